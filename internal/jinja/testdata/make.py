"""Writes cases.jsonl.gz: templates, their variables, and what Jinja2 makes of them in the environment that transformers sets up
for chat templates. Needs jinja2 3.1.6 and Python 3.11; `make.py N SEED FILE` writes N random cases to FILE instead."""

import copy
import datetime
import gzip
import json
import random
import re
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

NOW = datetime.datetime(2025, 3, 9, 5, 7, 2, 1234)


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_text"), [], [], body).set_lineno(line)

    def _text(self, caller):
        return caller()


class TemplateDict:
    def __call__(self, *args, **kwargs):
        return dict(*args, **kwargs)


class Namespace(jinja2.utils.Namespace):
    def __init__(*args, **kwargs):
        self, args = args[0], args[1:]
        attrs = dict(*args, **kwargs)
        for name in attrs:
            Namespace.check(name)
        jinja2.utils.Namespace.__init__(self, attrs)

    def __setitem__(self, name, value):
        Namespace.check(name)
        jinja2.utils.Namespace.__setitem__(self, name, value)

    @staticmethod
    def check(name):
        if name.startswith("_"):
            raise jinja2.exceptions.SecurityError("Chat templates cannot store underscore-prefixed attributes on a namespace, "
                                                  f"but got {name!r}. Please rename the attribute.")


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = jinja2.sandbox.ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = lambda format: NOW.strftime(format)
env.globals["dict"] = TemplateDict()
env.globals["namespace"] = Namespace

VARS = {
    "s": "héllo wörld", "t": "a,b,,c", "e": "", "i": 7, "z": 0, "n": -3, "f": 2.5, "g": -0.125, "big": 123456789012345678901234567890,
    "yes": True, "no": False, "nil": None, "l": [3, 1, 2], "w": ["b", "A", "c", "a"], "m": [1, "x", None, 2.5, True, [1], {"k": "v"}],
    "d": {"b": 1, "a": [1, 2], "items": "own", "z": None}, "o": {},
    "msgs": [{"role": "system", "content": " Be brief.\n"}, {"role": "user", "content": "Hi <b>&amp;</b> 'q' \"p\""},
             {"role": "assistant", "content": None, "tool_calls": [{"id": "x1", "function": {"name": "f", "arguments": {"a": 1}}}]},
             {"role": "user", "content": [{"type": "text", "text": "part"}, {"type": "image"}]}],
    "tree": [{"n": 1, "c": [{"n": 2, "c": []}, {"n": 3, "c": [{"n": 4, "c": []}]}]}, {"n": 5, "c": []}],
}


def run(template, variables):
    out = {"template": template, "vars": variables}
    try:
        out["rendered"] = env.from_string(template).render(**copy.deepcopy(variables))
        out["rendered"].encode()
    except Exception as e:
        out.pop("rendered", None)
        kind = type(e).__name__
        if isinstance(e, (jinja2.TemplateSyntaxError, SyntaxError)):
            kind = "TemplateSyntaxError"
        out["kind"], out["error"] = kind, str(e)
    return out


# Random expressions: mostly of values that are there, with operators, filters, tests, methods, subscripts and slices.
ATOMS = ["s", "t", "e", "i", "z", "n", "f", "g", "yes", "no", "nil", "l", "w", "m", "d", "o", "msgs", "missing", "big",
         "0", "1", "2", "-1", "3", "10", "0.5", "1.0", "1e16", "1e-7", "''", "'x'", "'b'", "'a b  c'", "\"it's\"", "'AbC'", "'\\n x\\t'", "'ß'", "'ǆ'", "'12'",
         "' 3.5 '", "[]", "[1, 2]", "['a', 'b']", "(1, 2)", "(1,)", "()", "{}", "{'a': 1}", "{1: 'x', 'y': [none]}", "true", "false", "none",
         "range(4)", "range(5, 1, -2)", "msgs[0]", "msgs[1].content", "msgs[0].role", "d.a", "d.b", "'%s-%s'", "'{}|{:>4}'", "'<i>'"]
BINARY = ["+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
FILTERS = ["abs", "capitalize", "center(9)", "count", "default('D')", "default('D', true)", "d", "dictsort", "dictsort(by='value')", "escape", "e", "first", "float",
           "float(1)", "forceescape", "indent", "indent(2, true)", "indent('> ', blank=true)", "int", "int(5)", "int(base=16)", "items|list", "join", "join(', ')", "join('-', attribute='role')",
           "last", "length", "list", "lower", "map('upper')|list", "map(attribute='role')|list", "map('string')|join", "max", "min", "reject|list",
           "reject('string')|list", "rejectattr('role', 'equalto', 'user')|list", "replace('a', 'X')", "replace('', '-', 2)", "reverse|list", "reverse", "round", "round(1)",
           "round(-1)", "round(1, 'ceil')", "round(1, 'floor')", "safe", "select('number')|list", "selectattr('role')|list", "selectattr('content', 'string')|map(attribute='content')|list", "sort", "sort(reverse=true)",
           "sort(case_sensitive=true)", "sort(attribute='role')|map(attribute='role')|list", "string", "sum", "title", "tojson", "tojson(indent=2)", "tojson(sort_keys=true)", "tojson(ensure_ascii=true)",
           "trim", "trim('ab')", "truncate(5)", "truncate(8, true)", "truncate(5, false, '…', 0)", "unique|list", "upper", "urlencode", "wordcount", "batch(2)|list", "batch(3, 'x')|list", "slice(2)|list", "slice(3, 'y')|list",
           "groupby('role')|list|length", "groupby(0)|list", "format(1, 'z')", "striptags", "filesizeformat", "xmlattr", "select|first", "nofilter"]
TESTS = ["boolean", "callable", "defined", "undefined", "none", "true", "false", "integer", "float", "number", "string", "mapping", "iterable", "sequence", "upper", "lower",
         "even", "odd", "divisibleby(2)", "divisibleby 3", "eq 1", "ne(1)", "lt 2", "gt 'a'", "ge 0", "le 3", "in [1, 'x']", "in 'abc'", "sameas none", "escaped", "equalto 'user'", "filter", "test"]
METHODS = ["upper()", "lower()", "strip()", "lstrip()", "rstrip('dc')", "strip(' a')", "split()", "split(',')", "split(none, 1)", "rsplit(' ', 1)", "splitlines()", "splitlines(true)", "startswith('h')", "endswith(('c', 'd'))",
           "find('l')", "rfind('l')", "find('l', -4)", "index('b')", "count('l')", "count('')", "replace('l', 'L')", "replace('l', 'L', 1)", "title()", "capitalize()", "swapcase()", "casefold()", "center(15, '*')", "ljust(14)", "rjust(14, '.')",
           "zfill(6)", "partition(' ')", "rpartition('l')", "isdigit()", "isalpha()", "isalnum()", "isspace()", "isupper()", "islower()", "istitle()", "isnumeric()", "isidentifier()", "isprintable()", "isascii()", "removeprefix('h')",
           "removesuffix('d')", "expandtabs(4)", "format(1, 2)", "format('a', b=2)", "join(['x', 'y'])", "join('ab')", "get('a')", "get('q', 5)", "keys()", "values()", "items()", "keys()|list", "items()|list", "copy()", "append(1)", "update({})",
           "pop()", "count(1)", "index(1)", "role", "content", "items", "nope", "bit_length()", "is_integer()", "real", "start", "a", "0", "__class__", "__foo"]
SUBS = ["[0]", "[-1]", "[1]", "[99]", "['role']", "['a']", "['nope']", "[0:2]", "[1:]", "[:-1]", "[::-1]", "[::2]", "[-3:-1]", "[5:1:-1]", "[none:]", "['x':]", "[i]", "[1.0]", "[yes]", "['upper']", "[:big]", "[0, 1]"]


def expression(r, depth):
    k = r.random()
    if depth <= 0 or k < 0.12:
        return r.choice(ATOMS)
    sub = lambda: expression(r, depth - 1)
    if k < 0.34:
        return f"{sub()} {r.choice(BINARY)} {sub()}"
    if k < 0.40:
        return f"({sub()})"
    if k < 0.60:
        return f"{sub()}|{r.choice(FILTERS)}"
    if k < 0.68:
        return f"{sub()} is {'not ' if r.random() < 0.2 else ''}{r.choice(TESTS)}"
    if k < 0.80:
        return f"{r.choice(ATOMS) if r.random() < 0.7 else '(' + sub() + ')'}.{r.choice(METHODS)}"
    if k < 0.88:
        # A slice of a constant that has none is undefined in some places and an error in others: variables only.
        return f"{r.choice(ATOMS[:19])}{r.choice(SUBS)}"
    if k < 0.91:
        return f"{sub()} if {sub()}" + (f" else {sub()}" if r.random() < 0.8 else "")
    if k < 0.94:
        return f"{r.choice(['not', '-', '+'])} {sub()}"
    if k < 0.97:
        return f"[{', '.join(sub() for _ in range(r.randint(0, 3)))}]"
    return "{" + ", ".join(f"{r.choice(ATOMS)}: {sub()}" for _ in range(r.randint(0, 2))) + "}"


# Random statements with random whitespace control.
def tag(r, body):
    begin = r.choice(["", "", "", "-", "+"])
    end = r.choice(["", "", "", "-", "+"])
    return f"{{%{begin} {body} {end}%}}"


def show(r, body):
    return f"{{{{{r.choice(['', '', '-', ' '])} {body} {r.choice(['', '', '-', ' '])}}}}}"


NAMES = ["x", "y", "v", "s", "i", "l"]
GAPS = ["", "", " ", "\n", "  ", "\n  ", " \n", "text", " a b ", "\n\n", "\t", "\r\n", "x\n  "]


def statements(r, depth, macros, inloop):
    out = []
    for _ in range(r.randint(1, 4)):
        out.append(r.choice(GAPS))
        k = r.random()
        sub = lambda loop=inloop: statements(r, depth - 1, list(macros), loop)
        e = lambda: expression(r, r.randint(0, 2))
        if depth <= 0 or k < 0.3:
            name = r.choice(NAMES)
            out.append(show(r, r.choice([name, name, "loop.index" if inloop else "x", f"{name} ~ '|'", "loop.last" if inloop else "y", "loop.length" if inloop else "v", e()])))
        elif k < 0.42:
            out.append(tag(r, f"set {r.choice(NAMES)} = {e()}"))
        elif k < 0.5:
            out.append(tag(r, f"if {e()}") + sub() + (tag(r, f"elif {e()}") + sub() if r.random() < 0.3 else "") + (tag(r, "else") + sub() if r.random() < 0.5 else "") + tag(r, "endif"))
        elif k < 0.64:
            it = r.choice(["l", "w", "range(3)", "[1, 2]", "'ab'", "d", "msgs|map(attribute='role')", "[]", e()])
            cond = r.choice(["", "", "", f" if {r.choice(NAMES)}", " if x != 1"])
            out.append(tag(r, f"for {r.choice(NAMES)} in {it}{cond}") + sub(True) + (r.choice(["{% break %}", "{% continue %}", "{% if loop.index > 1 %}{% break %}{% endif %}"]) if r.random() < 0.2 else "") + (tag(r, "else") + sub() if r.random() < 0.3 else "") + tag(r, "endfor"))
        elif k < 0.7:
            out.append(tag(r, f"set {r.choice(NAMES)}{r.choice(['', ' | upper', ' | trim | length'])}") + sub() + tag(r, "endset"))
        elif k < 0.76:
            out.append(tag(r, f"with {r.choice(NAMES)} = {e()}, {r.choice(NAMES)} = {r.choice(NAMES)}") + sub() + tag(r, "endwith"))
        elif k < 0.8:
            out.append(tag(r, "filter " + r.choice(["upper", "trim", "indent(2)", "replace('a', 'b')|title"])) + sub() + tag(r, "endfilter"))
        elif k < 0.86:
            m = f"m{len(macros)}"
            args = r.choice(["", "x", "x, y=2", "x, y=x", "v='d', s=3"])
            out.append(tag(r, f"macro {m}({args})") + statements(r, depth - 1, list(macros), False) + r.choice(["", "{{ varargs }}", "{{ kwargs }}", "{{ caller() }}", "{{ caller is defined }}"]) + tag(r, "endmacro"))
            macros.append(m)
        elif k < 0.92 and macros:
            call = f"{r.choice(macros)}({r.choice(['', '1', '1, 2', 'x=1', '1, 2, 3', 'y=1, x=2', 'q=1', e()])})"
            if r.random() < 0.4:
                out.append(tag(r, f"call {call}") + sub() + tag(r, "endcall"))
            else:
                out.append(show(r, call))
        elif k < 0.95:
            out.append(f"{{#{r.choice(['', '-', '+'])} c {r.choice(['', '-', '+'])}#}}")
        elif k < 0.97:
            out.append(f"{{%{r.choice(['', '-', '+'])} raw {r.choice(['', '-'])}%}}{r.choice(GAPS)}{{{{ x }}}}{r.choice(GAPS)}{{%{r.choice(['', '-', '+'])} endraw {r.choice(['', '-', '+'])}%}}")
        else:
            out.append(tag(r, "generation") + sub() + tag(r, "endgeneration"))
        out.append(r.choice(GAPS))
    return "".join(out)


def stable(case):
    """Whether the output is the same on each run: it shows no address and no random choice, and is not long."""
    text = case.get("rendered", case.get("error"))
    return not re.search(r" at 0x| AT 0X|\dj\)|<function|<built-in|<generator|bound method|^<jinja2|<class", text) and len(text) < 4000


def random_cases(n, seed):
    r = random.Random(seed)
    while n > 0:
        if r.random() < 0.6:
            template = "{{ " + expression(r, r.randint(1, 3)) + " }}"
        else:
            template = statements(r, 3, [], False)
        case = run(template, VARS)
        # Most random expressions are errors of type: keep some.
        if not stable(case) or "error" in case and r.random() < 0.6 or len(template) > 1500:
            continue
        n -= 1
        yield case


if __name__ == "__main__":
    if len(sys.argv) == 4:
        with open(sys.argv[3], "w") as f:
            for case in random_cases(int(sys.argv[1]), int(sys.argv[2])):
                f.write(json.dumps(case) + "\n")
        sys.exit()
    from cases import CASES
    with gzip.GzipFile("cases.jsonl.gz", "w", mtime=0) as f:
        for template in CASES:
            case = run(template, VARS)
            if not stable(case):
                sys.exit(f"not the same on each run: {case}")
            f.write((json.dumps(case) + "\n").encode())
        for case in random_cases(1200, 1):
            f.write((json.dumps(case) + "\n").encode())
