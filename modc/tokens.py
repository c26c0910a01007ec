"""What of a Python file can change what it computes: its tokens without comments and docstrings."""

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

    Comments, docstrings (any statement that is a string alone), blank lines and the width of an
    indentation are not among them.
    """
    lines = source.splitlines(keepends=True)
    words: list[str] = []
    depth, begin = 0, (0, 0)
    # Where in `words` the statement begins, and whether it has been nothing but strings.
    statement, is_string = 0, True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _STARTS:
            begin = begin if depth else token.start
            depth += 1
        elif token.type in _ENDS:
            depth -= 1
            if not depth:
                words.append(_between(lines, begin, token.end))
                is_string = False
        elif depth or token.type in _IGNORED:
            continue
        elif token.type == tokenize.NEWLINE:
            if is_string:
                del words[statement:]
            else:
                words.append("NEWLINE")
            statement, is_string = len(words), True
        elif token.type in (tokenize.INDENT, tokenize.DEDENT):
            words.append(tokenize.tok_name[token.type])
            statement = len(words)
        else:
            words.append(token.string)
            is_string = is_string and token.type == tokenize.STRING
    return "\n".join(words)


def _between(lines: list[str], begin: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the text from one place to another; a place is a line from 1 and a column."""
    (first, left), (last, right) = begin, end
    if first == last:
        return lines[first - 1][left:right]
    middle = lines[first : last - 1]
    return "".join([lines[first - 1][left:], *middle, lines[last - 1][:right]])
