"""Shows doxygen a header without what it cannot parse and readers do not need: filter.py HEADER"""

import pathlib
import re
import sys


def blank(match):
    # The lines keep their numbers.
    return '\n' * match.group(0).count('\n')


text = pathlib.Path(sys.argv[1]).read_text()
text = re.sub(r'^namespace detail \{\n.*?^\}  // namespace detail\n', blank, text, flags=re.DOTALL | re.MULTILINE)
text = re.sub(r'^template <>\nstruct (?:std|corun::json_library).*?;\n', blank, text, flags=re.MULTILINE)
text = re.sub(r'\) requires [^;{]*\{', ') {', text)
text = re.sub(r'\brequires\s*\(.*?\)\s*(?=inline|class|struct|handler\()', ' ', text, flags=re.DOTALL)
sys.stdout.write(text)
