"""What of a Python file can change what it computes: its tokens without comments and docstrings."""

import ast
import io
import tokenize

_IGNORED = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER)
# From Python 3.12 on, a string with fields is several tokens; its text is the same.
_STARTS = tuple(
    getattr(tokenize, name)
    for name in ("FSTRING_START", "TSTRING_START")
    if hasattr(tokenize, name)
)
_ENDS = tuple(
    getattr(tokenize, name) for name in ("FSTRING_END", "TSTRING_END") if hasattr(tokenize, name)
)


def meaning(source: str) -> str:
    """Return the tokens of a Python file, a line each; every Python from 3.11 on gives the same.

    Comments, docstrings, blank lines and the width of an indentation are not among them.
    """
    docstrings = _docstrings(ast.parse(source))
    lines = source.splitlines(keepends=True)
    words: list[str] = []
    depth, begin, after_docstring = 0, (0, 0), False
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _STARTS:
            begin = begin if depth else token.start
            depth += 1
        elif token.type in _ENDS:
            depth -= 1
            if not depth:
                words.append(_between(lines, begin, token.end))
        elif depth or token.type in _IGNORED:
            continue
        elif token.type == tokenize.STRING and token.start[0] in docstrings:
            after_docstring = True
        elif token.type == tokenize.NEWLINE and after_docstring:
            after_docstring = False
        elif token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.NEWLINE):
            words.append(tokenize.tok_name[token.type])
        else:
            words.append(token.string)
    return "\n".join(words)


def _docstrings(tree: ast.Module) -> set[int]:
    """Return the lines on which docstrings stand."""
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, owners) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            found |= set(range(first.lineno, first.end_lineno + 1))
    return found


def _between(lines: list[str], begin: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the text from one place to another; a place is a line from 1 and a column."""
    (first, left), (last, right) = begin, end
    if first == last:
        return lines[first - 1][left:right]
    middle = lines[first : last - 1]
    return "".join([lines[first - 1][left:], *middle, lines[last - 1][:right]])
