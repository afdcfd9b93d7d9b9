"""Templates of configuration pieces: Jinja2 source and variables in, numbered lines out.

A template comes from whoever can open a pull request, so the language is a closed list: loops,
conditions, arithmetic, a few filters. What Jinja2's sandbox leaves open (a loop of loops, text
that doubles itself, a width of a billion) is bounded by a budget that every step draws from.
"""

import functools
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from types import CodeType, TracebackType

from jinja2 import (
    Environment,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    Undefined,
    nodes,
)
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from catnet_controller.models import Problem
from catnet_controller.policy.pieces import CONTROL

MAX_SOURCE = 256 * 1024
"""Characters of one template."""

MAX_OUTPUT = 1024 * 1024
"""Characters that one rendering may give."""

MAX_STEPS = 1_000_000
"""Budget of one rendering: an iteration is 1, a value is its characters or elements."""

MAX_TOTAL = 200 * MAX_STEPS
"""Budget of all renderings of one snapshot."""

_BIGGEST = 2**63
_COMPARED = 8
"""How many characters or elements are compared for one step."""
_MARK = "\x01{}\x02"
_MARKS = re.compile("\x01(\\d+)\x02")
_SECRET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_UNDEFINED = re.compile(r"^'(\w+)' is undefined$")

_FUNCTIONS = frozenset({"range", "secret"})
_METHODS = frozenset(
    {"cycle", "endswith", "get", "isdigit", "items", "keys", "lower", "split", "splitlines"}
    | {"startswith", "strip", "upper", "values"}
)
_FILTERS = frozenset(
    {"abs", "capitalize", "count", "d", "default", "dictsort", "first", "int", "items", "last"}
    | {"length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse"}
    | {"round", "select", "selectattr", "sort", "title", "trim", "unique", "upper"}
)
_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Assign),
    *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword),
    *(nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Call),
    *(nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.Not, nodes.And, nodes.Or),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos),
    nodes.Concat,
)


class _NotAllowed(TemplateError):
    """The template uses what a configuration piece may not use."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class Renderer:
    """Renders the templates of one snapshot; a source that comes again is compiled once."""

    def __init__(self) -> None:
        self._environment = _Environment()
        self._compiled: dict[str, Template | Problem] = {}
        self._left = MAX_TOTAL

    def render(
        self, file: str, source: str, variables: Mapping[str, object]
    ) -> list[tuple[int, str]] | Problem:
        """The lines of the result, each with the line of ``source`` it comes from.

        ``secret("name")`` gives its placeholder back: values are put in when a change is typed.
        """
        template = self._compiled.get(file)
        if template is None:
            template = self._compiled[file] = self._compile(file, source)
        if isinstance(template, Problem):
            return template
        if self._left <= 0:
            message = f"the templates take more than {MAX_TOTAL} steps together"
            return Problem(file=file, line=0, message=message)
        self._environment.budget = MAX_STEPS
        chunks: list[str] = []
        size = 0
        try:
            for chunk in template.generate(variables):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_OUTPUT:
                    raise _NotAllowed(f"gives more than {MAX_OUTPUT} characters")
        except _EXCEPTIONS as error:
            return _problem(file, error, variables)
        finally:
            self._left -= MAX_STEPS - self._environment.budget
        return list(_numbered("".join(chunks)))

    def _compile(self, file: str, source: str) -> Template | Problem:
        if len(source) > MAX_SOURCE:
            return Problem(
                file=file, line=0, message=f"a template has at most {MAX_SOURCE} characters"
            )
        try:
            return self._environment.from_string(source)
        except _EXCEPTIONS as error:
            return _problem(file, error, {})


class _Environment(SandboxedEnvironment):
    """Jinja2 with the closed list and the budget."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            undefined=StrictUndefined,
            autoescape=False,  # the result is a device configuration, not HTML
            finalize=self._printed,
            cache_size=0,
        )
        self.budget = MAX_STEPS
        self.globals = {"range": self._range, "secret": _secret}
        self.filters = {name: self._paid(FILTERS[name]) for name in _FILTERS}
        self.filters.update({"join": self._join, "replace": self._replace, "string": _scalar})
        self.filters.update({"\x00each": self._each, "\x00glue": self._glue, "\x00own": self._own})
        self.filters["\x00seen"] = self._seen

    def pay(self, steps: int) -> None:
        self.budget -= steps
        if self.budget < 0:
            raise _NotAllowed(f"takes more than {MAX_STEPS} steps")

    def call(  # the names are those of the base class, out of the way of keyword arguments
        __self,  # noqa: N805
        __context: Context,
        __obj: object,
        *args: object,
        **kwargs: object,
    ) -> object:
        result = super().call(__context, __obj, *args, **kwargs)
        return __self._own(result)

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if isinstance(left, int | float) and isinstance(right, int | float):
            if max(abs(left), abs(right)) >= _BIGGEST:
                raise _NotAllowed("a number is too big")
            return super().call_binop(context, operator, left, right)
        if operator == "+" and isinstance(left, str | list) and type(left) is type(right):
            self.pay(_weight(left) + _weight(right))
            return super().call_binop(context, operator, left, right)
        raise _NotAllowed(f"`{operator}` is for numbers; text is put together with `~`")

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,
    ) -> str:
        _check(source)
        _bound(source)
        return super()._generate(source, name, filename, defer_init)

    def _printed(self, value: object) -> str:
        text = _scalar(value)
        self.pay(len(text))
        return text

    def _own(self, value: object) -> object:
        """Pay for a new value; iterators become lists, so that nothing is left unpaid."""
        if isinstance(value, Iterator):
            value = list(islice(value, max(self.budget, 0) + 1))
        elif isinstance(value, Collection) and not isinstance(value, str | list | tuple | Mapping):
            value = list(value)
        self.pay(_weight(value))
        return value

    def _seen(self, value: object) -> object:
        """Pay for what is compared: far less than for what is made."""
        self.pay(1 + _weight(value) // _COMPARED)
        return value

    def _each(self, values: object) -> Iterator[object]:
        _undefined(values)
        if not isinstance(values, Iterable):
            raise _NotAllowed("a loop needs a list")
        for value in values:
            self.pay(1)
            yield value

    def _glue(self, values: tuple[object, ...]) -> str:
        texts = [_scalar(value) for value in values]
        self.pay(sum(map(len, texts)))
        return "".join(texts)

    def _join(self, values: Collection[object], separator: str = "") -> str:
        _undefined(values)
        texts = [_scalar(value) for value in values]
        self.pay(sum(map(len, texts)) + len(texts) * len(separator))
        return separator.join(texts)

    def _replace(self, value: object, old: str, new: str) -> str:
        text = _scalar(value)
        self.pay(len(text) + (text.count(old) + 1) * len(new))
        return text.replace(old, new)

    def _range(self, *bounds: int) -> list[int]:
        values = range(*bounds)
        self.pay(len(values))
        return list(values)

    def _paid(self, function: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(function)
        def paid(*args: object, **kwargs: object) -> object:
            for arg in args:
                self.pay(_weight(arg))
            return self._own(function(*args, **kwargs))

        return paid


def _check(template: nodes.Template) -> None:
    for node in template.find_all(nodes.Node):
        if not isinstance(node, _NODES):
            kind = type(node).__name__.lower()
            raise _NotAllowed(f"`{kind}` cannot be used in a configuration piece", node.lineno)
        if isinstance(node, nodes.For) and node.recursive:
            raise _NotAllowed("`recursive` loops cannot be used here", node.lineno)
        if isinstance(node, nodes.Filter) and node.name not in (_FILTERS | {"join", "replace"}):
            if node.name != "string":
                raise _NotAllowed(
                    f"no filter named `{node.name}`{_nearest(node.name, _FILTERS)}", node.lineno
                )
        elif isinstance(node, nodes.Call):
            called = node.node
            named = isinstance(called, nodes.Name) and called.name in _FUNCTIONS
            method = isinstance(called, nodes.Getattr) and called.attr in _METHODS
            if not named and not method:
                name = getattr(called, "name", "") or getattr(called, "attr", "")
                raise _NotAllowed(f"`{name}(...)` cannot be called here", node.lineno)


def _bound(template: nodes.Template) -> None:
    """Send every loop, comparison, joining and literal through the budget; mark lines with their
    number."""
    compared: list[nodes.Compare | nodes.Operand] = list(template.find_all(nodes.Compare))
    compared += template.find_all(nodes.Operand)
    for each in compared:
        each.expr = _through("\x00seen", each.expr, template.environment)
    for test in list(template.find_all(nodes.Test)):
        test.node = _through("\x00seen", test.node, template.environment)
        test.args = [_through("\x00seen", arg, template.environment) for arg in test.args]
    for loop in list(template.find_all(nodes.For)):
        loop.iter = _through("\x00each", loop.iter, template.environment)
    for holder in list(template.find_all(nodes.Node)):
        for field, value in list(holder.iter_fields()):
            if isinstance(value, list):
                setattr(holder, field, [_bounded(item, holder) for item in value])
            else:
                setattr(holder, field, _bounded(value, holder))
    for output in template.find_all(nodes.Output):
        output.nodes = [part for node in output.nodes for part in _marked(node)]


def _bounded(value: object, holder: nodes.Node) -> object:
    if isinstance(value, nodes.Concat):
        glued = nodes.Tuple(value.nodes, "load", lineno=value.lineno)
        return _through("\x00glue", glued, value.environment)
    if isinstance(value, nodes.Getitem) and isinstance(value.arg, nodes.Slice):
        return _through("\x00own", value, value.environment)
    if isinstance(value, nodes.List | nodes.Dict) or (
        isinstance(value, nodes.Tuple)
        and value.ctx == "load"
        and not (isinstance(holder, nodes.Filter) and holder.name == "\x00glue")
    ):
        return _through("\x00own", value, value.environment)
    return value


def _through(name: str, value: nodes.Node, environment: Environment | None) -> nodes.Expr:
    result = nodes.Filter(value, name, [], [], None, None, lineno=value.lineno)
    if environment:
        result.set_environment(environment)
    return result


def _marked(node: nodes.Expr) -> Iterator[nodes.Expr]:
    if not isinstance(node, nodes.TemplateData):
        yield nodes.TemplateData(_MARK.format(node.lineno), lineno=node.lineno)
        yield node
        return
    if CONTROL.search(node.data):
        raise _NotAllowed("holds a control character", node.lineno)
    lines = node.data.splitlines(keepends=True)
    marked = (_MARK.format(node.lineno + nr) + line for nr, line in enumerate(lines))
    yield nodes.TemplateData("".join(marked), lineno=node.lineno)


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    number = 1
    for line in text.splitlines():
        if mark := _MARKS.search(line):
            number = int(mark[1])
        yield number, _MARKS.sub("", line)


def _scalar(value: object) -> str:
    """Text of a value that has one; True, None and lists have none in a configuration."""
    if _undefined(value):
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        kind = "nothing" if value is None else type(value).__name__
        raise _NotAllowed(f"{kind} cannot be written into a configuration")
    if isinstance(value, int | float) and not abs(value) < _BIGGEST:
        raise _NotAllowed("a number is too big")
    text = str(value)
    if CONTROL.search(text):
        raise _NotAllowed("a value holds a control character")
    return text


def _undefined(value: object) -> bool:
    """True for an inline `if` without `else`; for any other undefined value it raises."""
    return isinstance(value, Undefined) and str(value) == ""


def _weight(value: object) -> int:
    """Characters and elements of a value, counted no further than the budget could pay."""
    total = 0
    stack = [value]
    while stack and total <= MAX_STEPS:
        item = stack.pop()
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, Mapping):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)
        total += 1
    return total


def _secret(name: object) -> str:
    if not isinstance(name, str) or not _SECRET.fullmatch(name):
        raise _NotAllowed('a secret is named by letters, digits and `_ . -`: secret("name")')
    return f'{{{{ secret("{name}") }}}}'


def _nearest(name: str, names: Collection[str]) -> str:
    close = get_close_matches(name, sorted(names), n=1)
    return f", did you mean `{close[0]}`?" if close else ""


def _problem(file: str, error: BaseException, variables: Mapping[str, object]) -> Problem:
    line = getattr(error, "line", 0) or _line(error.__traceback__)
    if isinstance(error, TemplateSyntaxError):
        line = error.lineno
    message = str(error).strip() or type(error).__name__
    if undefined := _UNDEFINED.match(message):
        message = f"`{undefined[1]}` is not defined{_nearest(undefined[1], variables)}"
    elif isinstance(error, MemoryError | RecursionError | SyntaxError):
        message = "is nested too deeply"
    elif isinstance(error, NameError):
        message = "a number is too big"
    return Problem(file=file, line=line or 0, message=f"template: {message}")


def _line(trace: TracebackType | None) -> int:
    """Where in the template it happened: Jinja2 puts a frame of the template into the trace."""
    line = 0
    while trace is not None:
        code: CodeType = trace.tb_frame.f_code
        if code.co_filename in ("<template>", "<unknown>"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


_EXCEPTIONS = (
    *(TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError),
    # Jinja2 writes what it computed beforehand into code, and `inf` is no literal of Python.
    *(MemoryError, NameError, SyntaxError, TypeError, ValueError),
)
