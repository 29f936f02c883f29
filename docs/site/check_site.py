"""Checks that all links in a built site lead to a page and to a place on it: check_site.py SITE"""

import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(path.read_text(errors='replace'))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.places |= {attributes[name] for name in ('id', 'name') if attributes.get(name)}
        for name in ('href', 'src'):
            if tag in ('a', 'img', 'link', 'script') and attributes.get(name):
                self.links.append(attributes[name])


def broken(site):
    pages = {path: Page(path) for path in site.rglob('*.html')}
    for path, page in sorted(pages.items()):
        # The reference links within itself as doxygen has written it.
        if path.relative_to(site).parts[0] in ('reference', '404.html'):
            continue
        for link in page.links:
            address = urllib.parse.urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / urllib.parse.unquote(address.path)).resolve() if address.path else path
            if target.is_dir():
                target /= 'index.html'
            if not target.exists():
                yield f'{path.relative_to(site)}: no such page: {link}'
            elif address.fragment and target in pages and address.fragment not in pages[target].places:
                yield f'{path.relative_to(site)}: no such place: {link}'


if __name__ == '__main__':
    found = list(broken(pathlib.Path(sys.argv[1]).resolve()))
    print('\n'.join(found))
    sys.exit(1 if found else 0)
