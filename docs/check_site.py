"""Check the built site: links, nothing from elsewhere, pictures described; in a browser too.

    python docs/check_site.py docs/_build                                   # make docs
    python docs/check_site.py docs/_build --browser --screenshots shots    # make docs-browser

Without a browser it needs nothing but Python: every link inside the site leads to a page and a
heading that are there, every page is reachable, nothing that a page needs (script, style, picture)
comes from another machine, every picture has a description and every page one main heading.

With `--browser` every page is opened in Chromium as on a desktop and on a telephone (390 pixels):
no error in the console, no request that fails or leaves the folder, no page wider than the screen.
`pip install playwright`, then `playwright install chromium` or `--executable /usr/bin/chromium`.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Dict, List, Set
from urllib.parse import unquote, urlsplit

#: Name, width and height in CSS pixels, device pixels per CSS pixel.
SCREENS = (('desktop', 1280, 900, 1), ('telephone', 390, 844, 2))
#: Elements that make a browser load something, and the attribute that says what.
LOADS = {'script': 'src', 'img': 'src', 'source': 'src', 'iframe': 'src', 'video': 'src'}
LOADING_LINKS = ('stylesheet', 'preload', 'icon', 'shortcut icon', 'modulepreload')


class Page(HTMLParser):
    """What matters of an HTML page.

    Attributes:
        links: Targets of its links.
        loads: What a browser fetches for it.
        names: Ids and names that links may point to.
        headings: Number of main headings.
        bare_pictures: Sources of pictures without a description.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: List[str] = []
        self.loads: List[str] = []
        self.names: Set[str] = set()
        self.headings = 0
        self.bare_pictures: List[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs) -> None:
        values = dict(attrs)
        self.names |= {values[key] for key in ('id', 'name') if values.get(key)}
        if tag == 'a' and values.get('href') is not None:
            self.links.append(values['href'])
        elif tag == 'link' and values.get('rel') in LOADING_LINKS:
            self.loads.append(values.get('href') or '')
        elif tag in LOADS and values.get(LOADS[tag]):
            self.loads.append(values[LOADS[tag]])
        if tag == 'img' and not (values.get('alt') or '').strip():
            self.bare_pictures.append(values.get('src', ''))
        self.headings += tag == 'h1'


def is_elsewhere(link: str) -> bool:
    return bool(urlsplit(link).scheme or link.startswith('//'))


def check_files(site: Path) -> Dict[str, List[str]]:
    """Problems of each page that can be seen without a browser.

    Args:
        site: Folder of the built site.

    Returns:
        dict[str, list[str]]: By page, below the folder; pages without problems are left out.

    Raises:
        FileNotFoundError: If there is no site.
    """
    if not (site / 'index.html').is_file():
        raise FileNotFoundError(f'{site} has no index.html: run make docs first')
    pages = {path: Page(path.read_text(encoding='utf-8')) for path in sorted(site.rglob('*.html'))}
    problems: Dict[str, List[str]] = defaultdict(list)
    reached = {site / 'index.html', site / 'search.html'}
    for path, page in pages.items():
        mine = problems[path.relative_to(site).as_posix()]
        for link in page.links:
            if is_elsewhere(link):
                continue
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= 'index.html'
            if not target.is_file():
                mine.append(f'broken link: {link}')
                continue
            reached.add(target)
            anchor = unquote(parts.fragment)
            if anchor and target in pages and anchor not in pages[target].names:
                mine.append(f'no such heading: {link}')
        for load in page.loads:
            if load.startswith('data:'):
                continue
            if is_elsewhere(load):
                mine.append(f'comes from another machine: {load}')
            elif not (path.parent / unquote(urlsplit(load).path)).is_file():
                mine.append(f'missing: {load}')
        mine += [f'no description: {source}' for source in page.bare_pictures]
        if page.headings != 1 and path.name != 'search.html':  # the theme's has none
            mine.append(f'{page.headings} main headings')
    for path in pages:
        if path not in reached:
            problems[path.relative_to(site).as_posix()].append('no page links here')
    return {name: found for name, found in problems.items() if found}


def check_in_browser(site: Path, pages: List[str], executable: str = '', screenshots: str = '',
                     ) -> Dict[str, List[str]]:
    """Problems of each page that only a browser sees; see :func:`check_files`."""
    from playwright.sync_api import sync_playwright

    problems: Dict[str, List[str]] = defaultdict(list)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            args=['--no-sandbox'], **(dict(executable_path=executable) if executable else {}))
        for screen, width, height, scale in SCREENS:
            context = browser.new_context(viewport=dict(width=width, height=height),
                                          device_scale_factor=scale, is_mobile=width < 600)
            tab = context.new_page()
            mine: List[str] = []
            tab.on('console', lambda message, mine=mine: mine.append(
                f'console: {message.text}') if message.type in ('error', 'warning') else None)
            tab.on('pageerror', lambda error, mine=mine: mine.append(f'script error: {error}'))
            tab.on('requestfailed', lambda request, mine=mine: mine.append(
                f'not loaded: {request.url}'))
            tab.on('request', lambda request, mine=mine: mine.append(
                f'another machine: {request.url}')
                if not request.url.startswith(('file:', 'data:', 'blob:')) else None)
            for number, name in enumerate(pages, start=1):
                mine.clear()
                tab.goto((site / name).resolve().as_uri())
                wide = tab.evaluate('document.documentElement.scrollWidth')
                if wide > width:
                    mine.append(f'{wide} pixels wide: ' + ', '.join(tab.evaluate(_WIDE)))
                broken = tab.evaluate(_BROKEN_PICTURES)
                mine += [f'picture not shown: {source}' for source in broken]
                problems[name] += [f'{screen}: {problem}' for problem in mine]
                if screenshots:
                    folder = Path(screenshots)
                    folder.mkdir(parents=True, exist_ok=True)
                    file = folder / f'{name.replace("/", "_")[:-5]}_{screen}.png'
                    tab.screenshot(path=str(file), full_page=True)
                if sys.stderr.isatty():
                    print(f'\r{screen} {number}/{len(pages)}', end='', file=sys.stderr)
            context.close()
        browser.close()
    return {name: found for name, found in problems.items() if found}


#: Elements that stick out, unless something around them scrolls.
_WIDE = """() => {
  const scrolls = element => {
    for (let one = element; one && one !== document.body; one = one.parentElement)
      if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(one).overflowX)) return true;
    return false;
  };
  return [...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1 && !scrolls(one))
    .slice(0, 4).map(one => one.tagName + '.' + one.className);
}"""
_BROKEN_PICTURES = """async () => {
  const pictures = [...document.querySelectorAll('img')];
  pictures.forEach(one => one.loading = 'eager');
  await Promise.all(pictures.filter(one => !one.complete).map(one => new Promise(done => {
    one.onload = one.onerror = done; setTimeout(done, 5000); })));
  return pictures.filter(one => !one.naturalWidth).map(one => one.src);
}"""


def parse_args(argv=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('site', type=Path, metavar='DIR', help='the built site')
    parser.add_argument('--browser', action='store_true', help='open every page in Chromium too')
    parser.add_argument('--executable', default='', metavar='FILE',
                        help="the browser (default: playwright's own)")
    parser.add_argument('--screenshots', default='', metavar='DIR',
                        help='with --browser: keep a picture of every page')
    parser.add_argument('--only', default='', metavar='WORD',
                        help='with --browser: only pages with this in their name')
    return parser.parse_args(argv)


def main(argv=None) -> int:
    args = parse_args(argv)
    site = args.site.resolve()
    problems = check_files(site)
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob('*.html'))
    looked = 'files'
    if args.browser:
        chosen = [name for name in pages if args.only in name]
        for name, found in check_in_browser(site, chosen, args.executable,
                                            args.screenshots).items():
            problems.setdefault(name, []).extend(found)
        looked = f'files, and {len(chosen)} pages on {len(SCREENS)} screens'
    for name, found in problems.items():
        for problem in found:
            print(f'{name}: {problem}')
    count = sum(map(len, problems.values()))
    print(f'{len(pages)} pages ({looked}): {count or "no"} problem{"" if count == 1 else "s"}')
    return int(count > 0)


if __name__ == '__main__':
    sys.exit(main())
