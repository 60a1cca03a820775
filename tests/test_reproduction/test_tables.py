"""The paper's tables as data: complete, consistent, and every system with its config."""
from __future__ import annotations

import re

import pytest

from mmpose_wass.evaluation.functional.summary import summarize_errors
from mmpose_wass.reproduction import CONFIG_ROOT, FIGURES, TABLES, Row, System, Table, find_table
from mmpose_wass.reproduction.zoo import training_configs

EVERYTHING = TABLES + FIGURES
EVERY_ROW = [(table, row) for table in EVERYTHING for row in table.systems]


def published(key, column, **wanted):
    """The published numbers of a table's column by (loss, sigma, CoordConv, sampling)."""
    table = find_table(key, TABLES)
    (place, ) = [place for place, one in enumerate(table.columns) if one.title == column]
    return {(row.system.loss, row.system.sigma, row.system.coord_conv, row.system.sampling):
            row.published[place] for row in table.systems
            if all(getattr(row.system, name) == value for name, value in wanted.items())}


def test_all_tables_and_figures_are_there():
    assert [table.key for table in TABLES] == [str(number) for number in range(1, 12)]
    assert [table.key for table in FIGURES] == ['fig8', 'fig9', 'fig10', 'fig11']


def test_every_row_has_its_configs():
    for table, row in EVERY_ROW:
        for config in (row.config, row.training_config):
            assert (CONFIG_ROOT / config).is_file(), f'{table.name}: {config}'


def test_no_two_rows_of_a_table_are_the_same():
    for table in EVERYTHING:
        configs = [(row.config, row.test_set) for row in table.systems]
        assert len(set(configs)) == len(configs), table.name


def test_every_measure_is_one_of_the_metric():
    known = summarize_errors([[.1, .2]])
    for table in EVERYTHING:
        for column in table.columns:
            assert column.measure in known or not column.measure


def test_published_numbers_are_the_papers():
    """Spot checks by hand from the paper, some tables."""
    assert published('2', 'NME') == {
        ('l2', '1', False, ''): 3.34, ('l2', '1', False, 'getbc'): 20.15,
        ('wass', '3', False, 'getmax'): 4.00, ('wass', '3', False, ''): 3.46}
    assert published('3', 'S3')['wass', '3', True, ''] == 5.05
    assert published('4', 'Pose')['wass', '1.5', True, ''] == 7.65
    assert published('5', 'Frontal')['wass', '1.5', False, ''] == 1.39
    assert published('6', 'Challenge')['l2', '3', False, ''] == 5.28
    assert published('7', 'S1 FR^L 0.1')['wass', '1', True, ''] == 4.22


def test_every_row_stands_in_the_papers_text(shared_dir):
    text = (shared_dir / 'paper.txt').read_text(encoding='utf-8')
    numbers = [float(number) for number in re.findall(r'(?<![\w.])\d+(?:\.\d+)?(?![\w.])', text)]
    for table in TABLES[1:]:  # Table 1 lists its rows as columns
        for row in table.rows:
            wanted = [value for value in row.published if value is not None]
            assert any(numbers[place:place + len(wanted)] == wanted
                       for place in range(len(numbers))), f'{table.name}: {row.label} {wanted}'


def test_numbers_that_the_paper_prints_twice():
    """Tables 2 and 6 have the same models; Tables 7 and 10 too, but for one slip."""
    twice, full = published('2', 'NME'), published('6', 'Full')
    for system in (('l2', '1', False, ''), ('wass', '3', False, '')):
        assert twice[system] == full[system]
    seventh = published('7', 'S3 FR^L 0.1')
    tenth = {}
    for row in find_table('10', TABLES).systems:
        if row.test_set == 'scenario_3':
            tenth[row.system.loss, row.system.sigma, row.system.coord_conv] = row.published[3]
    assert tenth['wass', '3', True] == seventh['wass', '3', True, ''] == 9.58
    assert (seventh['wass', '1', False, ''], tenth['wass', '1', False]) == (10.08, 11.08)


def test_failure_rates_fall_with_the_threshold():
    for key in ('8', '9', '10', '11'):
        table = find_table(key, TABLES)
        for measure in ('FR^I', 'FR^L'):
            places = [place for place, column in enumerate(table.columns)
                      if column.title.startswith(measure)]
            for row in table.rows:
                rates = [row.published[place] for place in places]
                assert rates == sorted(rates, reverse=True)


def test_acceptance_systems_are_all_there():
    systems = {row.system for _, row in EVERY_ROW}
    assert {system.loss for system in systems} == {'l2', 'wass', 'js', 'softargmax'}
    assert {system.sigma for system in systems} == {'1', '1.5', '3'}
    assert {system.model for system in systems} == {'hrnetv2-w18', 'hourglass', 'cpn50', 'res50'}
    assert {system.data for system in systems} == {
        '300w', '300vw', 'wflw', 'cofw', 'aflw', 'wflw68', 'wflw17'}
    assert {row.protocol.folder for _, row in EVERY_ROW} >= {
        '300w_to_300vw', '300w_to_wflw', 'cofw_to_aflw', 'wflw_to_300vw'}
    assert any(system.coord_conv for system in systems)
    assert {system.sampling for system in systems} == {'', 'getmax', 'getbc'}


def test_training_configs_are_those_of_the_zoo_that_train():
    trained = {row.training_config for _, row in EVERY_ROW}
    every = {path.relative_to(CONFIG_ROOT).as_posix() for path in training_configs()}
    assert trained <= every


@pytest.mark.parametrize('key', ['2', 'table 2', 'Table2', 'fig9', 'Figure 9', 'FIG. 9'])
def test_tables_are_found_by_what_one_would_type(key):
    assert find_table(key, EVERYTHING).key == ('2' if '2' in key else 'fig9')


def test_unknown_table_is_refused():
    with pytest.raises(KeyError, match='no table .12.; there are 1, 2'):
        find_table('12', EVERYTHING)


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match='Table x, row .short.: 1 columns, but 0 numbers'):
        Table('x', 'wrong', TABLES[1].columns[:1], (Row('short', (), System('300w', 'l2', '1')), ))
