"""Circles of preferences: A over B, B over C, C over A, all to one prompt. No ranking can satisfy them.

The graph of a prompt has its distinct responses as nodes and an edge from each chosen one to the rejected one. A
circle is within a strongly connected component. Two responses preferred both ways are a contradiction
(`repeats.contradictions`), not a circle: one of three responses or more is looked for.
"""

from collections import defaultdict, deque
from collections.abc import Sequence

from offtarget.data.pairs import Pair
from offtarget.data.repeats import Cycle, Keys

_Edge = tuple[str, str]


def cycles(pairs: Sequence[Pair], keys: Keys) -> list[Cycle]:
    """For each strongly connected component that holds one, its shortest circle of three responses or more.

    Args:
        pairs: the rows.
        keys: what their prompt, chosen and rejected say.
    """
    by_prompt: dict[str, dict[_Edge, list[str]]] = defaultdict(lambda: defaultdict(list))
    for p, (prompt, chosen, rejected) in zip(pairs, keys, strict=True):
        if chosen != rejected:
            by_prompt[prompt][chosen, rejected].append(p.id)
    out = []
    for edges in by_prompt.values():
        for part in _components(edges):
            inner = {e: ids for e, ids in edges.items() if e[0] in part and e[1] in part}
            shortest = _shortest(inner)
            if shortest:
                rows = tuple(inner[e][0] for e in shortest)
                out.append(Cycle(rows=rows, n_rows=sum(map(len, inner.values()))))
    return out


def _components(edges: "dict[_Edge, list[str]]") -> list[set[str]]:
    """Strongly connected components of three nodes or more."""
    if len(edges) < 3:
        return []
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    names = {name: k for k, name in enumerate(dict.fromkeys(n for e in edges for n in e))}
    at = [(names[a], names[b]) for a, b in edges]
    rows, columns = zip(*at, strict=True)
    graph = csr_matrix(([1] * len(at), (rows, columns)), shape=(len(names),) * 2)
    _, label = connected_components(graph, directed=True, connection="strong")
    parts: dict[int, set[str]] = defaultdict(set)
    for name, k in names.items():
        parts[int(label[k])].add(name)
    return [part for part in parts.values() if len(part) > 2]


def _shortest(edges: "dict[_Edge, list[str]]") -> list[_Edge]:
    """The edges of the shortest circle over three nodes or more; none where every edge is only turned back."""
    following: dict[str, list[str]] = defaultdict(list)
    for a, b in edges:
        following[a].append(b)
    best: list[_Edge] = []
    for a, b in edges:
        path = _path(following, b, a, {(b, a)})  # back without the direct way
        if path and (not best or len(path) + 1 < len(best)):
            best = [(a, b), *path]
            if len(best) == 3:
                break
    return best


def _path(following: dict[str, list[str]], start: str, goal: str, barred: set[_Edge]) -> list[_Edge]:
    """The shortest way from one node to another, as edges; none where there is no way."""
    came: dict[str, str] = {start: start}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in following[here]:
            if there in came or (here, there) in barred:
                continue
            came[there] = here
            if there == goal:
                steps: list[_Edge] = []
                while goal != start:
                    steps.insert(0, (came[goal], goal))
                    goal = came[goal]
                return steps
            waiting.append(there)
    return []
