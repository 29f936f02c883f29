"""Lays out the pages of the site for mkdocs: stage.py ROOT PAGES

Pages of docs/ refer to other files of the repository, which a site does not have: a header becomes its page of the
reference, a Markdown file a page, and any other text file a page that shows it.
"""

import pathlib
import re
import shutil
import sys

LINK = re.compile(r'(\]\()([^)\s#]+)(#[^)\s]*)?(\))')
FENCE = re.compile(r'(^```.*?^```$)', re.DOTALL | re.MULTILINE)
LANGUAGES = {'.cpp': 'cpp', '.hpp': 'cpp', '.h': 'c', '.c': 'c', '.py': 'python', '.mjs': 'js', '.sh': 'sh', '.build': 'meson'}


def reference_page(path):
    """The name that doxygen gives to the page of a header."""
    return 'reference/' + path.name.replace('_', '__').replace('.', '_8') + '.html'


class Site:
    def __init__(self, root, pages):
        self.root, self.pages = root.resolve(), pages
        self.added = {}  # by the file of the repository

    def name_of(self, target):
        """The page for a file of the repository, which is added if it is missing."""
        if target.is_dir():
            readme = target / 'README.md'
            if not readme.exists():
                return self.listing(target)
            target = readme
        relative = target.relative_to(self.root)
        if relative == pathlib.Path('README.md'):
            return 'index.md'
        if relative.parts[0] == 'docs':
            return relative.name
        if relative.parts[0] == 'include' and target.suffix in ('.hpp', '.h'):
            return reference_page(target)
        name = 'files/' + '-'.join(relative.parts)
        if target.suffix != '.md':
            name += '.md'
        if target not in self.added:
            self.added[target] = name
            text = target.read_text()
            if target.suffix != '.md':
                text = f'# {relative}\n```{LANGUAGES.get(target.suffix, "text")}\n{text.rstrip()}\n```\n'
            self.write(name, text, target.parent)
        return name

    def listing(self, folder):
        relative = folder.relative_to(self.root)
        if relative == pathlib.Path('docs'):
            return 'index.md'
        name = 'files/' + '-'.join(relative.parts) + '.md'
        if folder not in self.added:
            self.added[folder] = name
            files = sorted(file for file in folder.iterdir() if file.suffix in LANGUAGES and file.suffix != '.build')
            text = f'# {relative}\n\n' + ''.join(f'- [{file.name}]({file.name})\n' for file in files)
            self.write(name, text, folder)
        return name

    def write(self, name, text, folder):
        up = '../' * name.count('/')

        def link(match):
            before, address, anchor, after = match.groups()
            target = (folder / address).resolve()
            if re.match(r'[a-z]+:', address) or not target.is_relative_to(self.root):
                return match.group(0)
            return before + up + self.name_of(target) + (anchor or '') + after

        parts = FENCE.split(text)
        for index in range(0, len(parts), 2):
            # GitHub's Markdown begins a list or a table in the middle of a paragraph, Python's does not.
            parts[index] = re.sub(r'^((?![-|>#\d ]|\s*$).+\n)(?=(?:- |\d+\. |\|))', r'\1\n', LINK.sub(link, parts[index]), flags=re.MULTILINE)
        file = self.pages / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(''.join(parts))

    def build(self):
        for page in sorted((self.root / 'docs').glob('*.md')):
            self.write(page.name, page.read_text(), page.parent)
        for picture in (self.root / 'docs').glob('*.svg'):
            shutil.copy(picture, self.pages)
        readme = self.root / 'README.md'
        self.write('index.md', readme.read_text(), readme.parent)


if __name__ == '__main__':
    Site(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])).build()
