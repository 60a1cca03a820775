"""The report itself: complete, self-contained, safe whatever names are."""
from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from robustness_data import MODELS_BY_NAME, write_model

from mmpose_wass.evaluation.functional import image_errors
from mmpose_wass.robustness import (
    Bench,
    ResultCache,
    RunOptions,
    make_jobs,
    make_plan,
    own_data,
    read_data_files,
    read_models,
    write_report,
)
from mmpose_wass.robustness.gallery import choose_galleries
from mmpose_wass.robustness.pictures import heat_overlay, to_crop
from mmpose_wass.robustness.report import ResultsByName
from mmpose_wass.robustness.summary import find_all, join_results, without_misses

NASTY = '<script>alert(1)</script> & "W" $x$ |*_'
SETTINGS = dict(limit=None, resamples=200, seed=0, version=1, device='cpu')
ALLOWED = {'html', 'head', 'meta', 'link', 'title', 'style', 'body', 'h1', 'h2', 'h3', 'p', 'nav',
           'a', 'main', 'section', 'ul', 'li', 'div', 'table', 'thead', 'tbody', 'tr', 'th', 'td',
           'details', 'summary', 'figure', 'img', 'figcaption', 'dl', 'dt', 'dd', 'span', 'code'}


class Page(HTMLParser):
    """Elements, their nesting, and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        if name not in ('meta', 'link', 'img'):
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.text.append(data)

    def all(self, name):
        return [attributes for element, attributes in self.elements if element == name]


@pytest.fixture(scope='module')
def report(faces, tmp_path_factory):
    """Two models, every group, curves, one of the models with a nasty name."""
    folder = tmp_path_factory.mktemp('report')
    models = read_models([write_model(faces, 'heatmap', 'one'),
                          write_model(faces, 'regression', 'two')], [NASTY, 'regression'])
    plan = make_plan(own_data(models[0].cfg), read_data_files(
        [str(faces / 'others.py'), str(faces / 'video.py')]))
    jobs, unfit = make_jobs(models, plan, RunOptions())
    bench = Bench(ResultCache(str(folder / 'cache')), RunOptions())
    by_key, failed, _ = bench.run_all(jobs)
    assert not unfit and not failed
    paths = write_report(str(folder), plan, models, jobs, by_key, plan.not_run, SETTINGS,
                         'robustness.py `a` <b>', bench, faces=2)
    return dict(folder=folder, plan=plan, models=models, jobs=jobs, by_key=by_key, paths=paths,
                page=Page((folder / 'report.html').read_text(encoding='utf-8')),
                content=json.loads((folder / 'results.json').read_text()))


def test_the_page_needs_nothing_from_outside(report):
    page = report['page']
    assert not page.open
    assert {name for name, _ in page.elements} <= ALLOWED  # no script, frame or form among them
    for _, attributes in page.elements:
        assert not any(name.startswith('on') for name in attributes)
        for name in ('src', 'href'):
            assert re.match(r'data:|#', attributes.get(name, '#'))
    style = ''.join(page.text)
    assert 'url(' not in style and '@import' not in style
    targets = {attributes['href'][1:] for attributes in page.all('a')}
    assert targets == {attributes['id'] for attributes in page.all('section')} and len(targets) == 9


def test_pictures_are_whole(report):
    kinds = dict(svg=0, jpeg=0)
    for attributes in report['page'].all('img'):
        header, data = attributes['src'].split(',', 1)
        data = base64.b64decode(data, validate=True)
        if 'svg' in header:
            kinds['svg'] += 1
            tree = ElementTree.fromstring(data)
            assert tree.tag.endswith('svg')
            links = [value for node in tree.iter() for key, value in node.attrib.items()
                     if key.endswith('href')]
            assert all(link.startswith(('#', 'data:')) for link in links)
        else:
            kinds['jpeg'] += 1
            picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            assert picture.shape[0] == picture.shape[1] and picture.std() > 5
        assert attributes['alt']
    protocols = len(report['content']['protocols'])
    # Curves by two measures, distributions of two levels, maps of rates and differences.
    assert kinds['svg'] == 2 * 5 + 2 * protocols + 2 * protocols
    # Three protocols with up to three galleries of two faces; three pictures of each.
    assert kinds['jpeg'] and kinds['jpeg'] % 3 == 0


def test_names_are_text_everywhere(report):
    text = ' '.join(report['page'].text)
    assert NASTY in text
    source = (report['folder'] / 'report.html').read_text(encoding='utf-8')
    assert '<script' not in source.lower()
    markdown = (report['folder'] / 'report.md').read_text(encoding='utf-8')
    assert '<script' not in markdown
    assert r'&lt;script&gt;alert(1)&lt;/script&gt; &amp; "W" $x$ \|\*\_' in markdown
    # No cell was split or joined by a name.
    for block in re.findall(r'(?:^\|.*\n)+', markdown, flags=re.M):
        assert len({len(re.findall(r'(?<!\\)\|', line)) for line in block.splitlines()}) == 1


def test_all_three_files_say_the_same(report):
    page, content = ' '.join(report['page'].text), report['content']
    markdown = (report['folder'] / 'report.md').read_text(encoding='utf-8').replace('\\', '')
    assert [one['key'] for one in content['protocols']] == [
        protocol.key for protocol in report['plan'].protocols]
    for finding in content['protocols']:
        for entry in finding['models'].values():
            for name in ('NME', 'FR_L@0.10', 'FR_I@0.10'):
                value = entry['measures'][name]
                text = f'{value["value"]:.2f} [{value["low"]:.2f}, {value["high"]:.2f}]'
                assert text in page and text in markdown
    for term, text in content['definitions']:
        assert term in page and text in page and text in markdown.replace('&lt;', '<')
    for one in content['not_run']:
        assert one['reason'] in page and one['reason'] in markdown


def test_numbers_are_those_of_the_result_files(report):
    results = ResultsByName(report['jobs'], report['by_key'])
    for finding in report['content']['protocols']:
        for model, entry in finding['models'].items():
            measured = results[model, finding['key']].metrics
            for name, value in entry['measures'].items():
                assert value['value'] == pytest.approx(measured[name], rel=1e-6)
                assert value['low'] <= value['value'] <= value['high']
        first, second = (finding['models'][model.name]['measures'] for model in report['models'])
        for one in finding['differences']:
            assert one['estimate'] == pytest.approx(
                first[one['measure']]['value'] - second[one['measure']]['value'], abs=1e-9)
            assert one['significant'] == (one['corrected_p_value'] < .05)
            assert one['corrected_p_value'] >= one['p_value']
    large = next(one for one in report['content']['protocols'] if one['key'] == 'occlusion_large')
    clean = next(one for one in report['content']['protocols'] if one['key'] == 'clean')
    for model, entry in large['models'].items():
        assert entry['growth_of_NME'] == pytest.approx(
            entry['measures']['NME']['value'] / clean['models'][model]['measures']['NME']['value'])
        assert entry['NME_occluded'] and entry['NME_visible']


def test_curves_start_at_the_clean_value_and_pass_the_levels(report):
    content = report['content']
    values = {one['key']: one['models'] for one in content['protocols']}
    assert len(content['curves']) == 5
    for curve in content['curves']:
        for model, points in curve['models'].items():
            clean = 'video_clean/300vw/scenario_3' if curve['perturbation'] == 'motion_blur' \
                else 'clean'
            assert points[0]['severity'] == 0
            assert points[0]['NME']['value'] == pytest.approx(
                values[clean][model]['measures']['NME']['value'])
            for level, severity in curve['levels'].items():
                group = dict(occlusion='occlusion', motion_blur='blur')[curve['perturbation']]
                point = next(one for one in points if one['severity'] == severity)
                assert point['NME']['value'] == pytest.approx(
                    values[f'{group}_{level}'][model]['measures']['NME']['value'])


def test_galleries_hold_the_worst_and_the_most_changed(report):
    names = [model.name for model in report['models']]
    results = ResultsByName(report['jobs'], report['by_key'])
    findings, _ = find_all(report['plan'], names, results, 100)
    chosen = choose_galleries(findings, names, 2)
    titles = [title for title, _, _ in chosen]
    assert any('worst faces' in title for title in titles)
    assert any('improved' in title or 'worsened' in title for title in titles)
    for title, finding, rows in chosen:
        mine, other = (image_errors(finding.comparison.runs.errors[name]) for name in names)
        score = mine if 'worst' in title else mine - other
        if 'improved' in title:
            score = -score
        assert score[rows[0]] == np.nanmax(score)
    assert choose_galleries(findings, names, 0) == []


def test_a_second_time_no_model_is_built(report, monkeypatch):
    bench = Bench(ResultCache(str(report['folder'] / 'cache')), RunOptions())

    def fail(job):
        raise AssertionError('a model was built')

    monkeypatch.setattr(bench, 'model_of', fail)
    by_key, failed, counts = bench.run_all(report['jobs'])
    assert not failed and counts['run'] == 0
    other = report['folder'] / 'again'
    write_report(str(other), report['plan'], report['models'], report['jobs'], by_key,
                 report['plan'].not_run, SETTINGS, 'robustness.py `a` <b>', bench, faces=2)
    again = json.loads((other / 'results.json').read_text())
    assert dict(again, date=0) == dict(report['content'], date=0)


def test_limits_and_provisional_levels_are_said_on_top(report, tmp_path):
    bench = Bench(ResultCache(str(report['folder'] / 'cache')), RunOptions())
    write_report(str(tmp_path), report['plan'], report['models'][:1], report['jobs'],
                 report['by_key'], [], dict(SETTINGS, limit=7), '', bench, faces=0)
    page = Page((tmp_path / 'report.html').read_text(encoding='utf-8'))
    notices = [attributes for attributes in page.all('p') if attributes.get('class') == 'notice']
    assert notices and any('at most 7 faces of each test set' in text for text in page.text)
    assert 'Everything was run.' in ' '.join(page.text)


def test_nothing_measured_is_an_error(report, tmp_path):
    bench = Bench(ResultCache(str(tmp_path / 'cache')), RunOptions())
    with pytest.raises(ValueError, match='nothing was measured'):
        write_report(str(tmp_path), report['plan'], report['models'], report['jobs'], {}, [],
                     SETTINGS, '', bench)


def test_joined_results_are_the_means_over_all_faces(report):
    results = ResultsByName(report['jobs'], report['by_key'])
    parts = [results[NASTY, 'clean'], results[NASTY, 'occlusion_large']]
    joined = join_results(parts, 'both')
    assert joined.num_faces == sum(part.num_faces for part in parts)
    np.testing.assert_array_equal(joined.errors[:parts[0].num_faces], parts[0].errors)
    with pytest.raises(ValueError, match='different landmarks'):
        join_results([parts[0], results[NASTY, 'cross/cofw/full']], 'no')
    assert np.isfinite(without_misses(parts[0]).errors).all()


def test_places_in_the_crop():
    meta = dict(input_center=[50., 40.], input_scale=[20., 20.], input_size=(64, 64))
    points = np.array([[40., 30.], [50., 40.], [60., 50.]])
    np.testing.assert_allclose(to_crop(points, meta), [[0, 0], [32, 32], [64, 64]])


def test_heat_lies_where_the_map_is_high():
    maps = np.zeros((2, 16, 16), np.float32)
    maps[0, 4, 12], maps[1, 12, 4] = 1e-6, 100.  # each counts by itself, however low
    overlay = heat_overlay(np.full((64, 64, 3), 100, np.uint8), maps).astype(int).sum(axis=2)
    background = overlay[0, 0]
    assert overlay[18, 50] > background + 100 and overlay[50, 18] > background + 100
    assert overlay[50, 50] == background


@pytest.fixture(scope='module')
def three(faces, tmp_path_factory):
    """Two models of 300W's landmarks and one of WFLW's, on 300W; the metric is the first's."""
    head = dict(MODELS_BY_NAME['heatmap'][0], out_channels=98)
    folder = tmp_path_factory.mktemp('three')
    files = [write_model(faces, 'heatmap', 'first', test_evaluator=dict(
        type='FaceLandmarkMetric', norm_mode='box_width'))]
    files.append(write_model(faces, 'simcc', 'second', seed=1))
    files.append(write_model(faces, 'heatmap', 'wflw', head=head, train_dataloader=dict(
        dataset=dict(type='WFLWDataset', ann_file='train.json'))))
    models = read_models(files)
    assert [model.scheme for model in models] == ['300w', '300w', 'wflw']
    plan = make_plan(own_data(models[0].cfg), {}, ('clean', 'occlusion'), curves=False)
    jobs, unfit = make_jobs(models, plan, RunOptions())
    bench = Bench(ResultCache(str(folder / 'cache')), RunOptions())
    by_key, failed, _ = bench.run_all(jobs)
    assert not unfit and not failed
    write_report(str(folder), plan, models, jobs, by_key, plan.not_run, SETTINGS, '', bench, 1)
    return json.loads((folder / 'results.json').read_text()), ResultsByName(jobs, by_key)


def test_models_of_two_schemes_stand_side_by_side(three):
    content, results = three
    assert [one['key'] for one in content['protocols']] == [
        'clean', 'occlusion_medium', 'occlusion_large']
    for finding in content['protocols']:
        assert list(finding['models']) == ['first', 'second', 'wflw']
        assert finding['normalization'].startswith('box_width') and finding['landmarks'] == 68
        assert {(one['model'], one['other']) for one in finding['differences']} == {
            ('first', 'second'), ('first', 'wflw')}
        assert any('wflw predicts wflw: 12 of the 68 landmarks are only near' in text
                   for text in finding['warnings'])
        for name, entry in finding['models'].items():
            assert entry['measures']['NME']['value'] == pytest.approx(
                results[name, finding['key']].metrics['NME'])


def test_corrections_count_all_tests_of_the_report(three):
    tests = [one for finding in three[0]['protocols'] for one in finding['differences']]
    assert len(tests) == 3 * 2 * 5
    ordered = sorted(tests, key=lambda one: one['p_value'])
    assert ordered[0]['corrected_p_value'] == pytest.approx(
        min(1, len(tests) * ordered[0]['p_value']))


def test_without_the_first_model_there_are_no_differences(report):
    everything = ResultsByName(report['jobs'], report['by_key'])
    results = {key: result for key, result in everything.items() if key != (NASTY, 'clean')}
    names = [model.name for model in report['models']]
    findings, _ = find_all(report['plan'], names, results, 100)
    clean, *others = findings
    assert clean.key == 'clean' and list(clean.results) == ['regression']
    assert not clean.comparison.differences and others[0].comparison.differences
