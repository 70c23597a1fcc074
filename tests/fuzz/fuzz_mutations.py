"""Damage to files: at bytes, at words of JSON, YAML and CSV, and inside of containers whose sums and lengths stay right."""

import io
import json
import re
import zipfile

WORDS = re.compile(rb'"[^"\n]{0,60}"|[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\b(?:true|false|null)\b|[\[\]{}:,|]')
TOKENS = [b"null", b"true", b"-1", b"0", b"1.5", b"1e999", b"NaN", b".nan", b"Infinity", b"99999999999", b"1" * 400, b'"x"']
TOKENS += [b"[]", b"{}", b"[[1]]", b'{"a": 1}', b'"../../x"', b'"\\ud800"', b"&a [*a]", b"!!python/name:os.system", b"\x00"]
TOKENS += [b"[" * 3000, b"{1: " * 1000, b",", b":", b"\n", b"- ", b"''", b"1e-3", b"2026-13-45", b"0x10", b"\xff\xfe", b""]
SIZES = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 10**10, 2**62, 2**63 - 1, 2**64 - 1]


def mutate(rng, seeds):
    """A seed after one to four kinds of damage."""
    content = rng.choice(seeds)
    if rng.random() < 0.5:
        content = _other_word(rng, content)
    elif rng.random() < 0.5:
        content = _inside(rng, content)
    else:
        content = _damaged(rng, content, seeds)
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        content = _damaged(rng, content, seeds)
    return content


def _damaged(rng, content, seeds):
    """Bytes changed, cut out, put in, repeated, or taken from another seed."""
    at, length = rng.randrange(len(content) + 1), rng.choice((1, 2, 4, 8, 30, 300))
    rest = content[at + length :]
    match rng.randrange(7):
        case 0:
            return content[:at] + bytes(b ^ (1 << rng.randrange(8)) for b in content[at : at + 1]) + content[at + 1 :]
        case 1:
            return content[:at] + rng.randbytes(min(length, 8)) + content[at + min(length, 8) :]
        case 2:
            return content[:at]
        case 3:
            return content[:at] + rest
        case 4:
            return content[: at + length] + content[at : at + length] * rng.choice((1, 2, 50)) + rest
        case 5:
            return content[:at] + rng.choice(SIZES).to_bytes(8, "little")[: rng.choice((1, 2, 4, 8))] + content[at + 8 :]
        case _:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            return content[:at] + other[start : start + length] + rest


def _other_word(rng, content):
    """Another word in place of one: of another type, too large, too deep."""
    for _ in range(8):
        if found := WORDS.search(content, rng.randrange(len(content) + 1)):
            return content[: found.start()] + rng.choice(TOKENS) + content[found.end() :]
    return content + rng.choice(TOKENS)


def _inside(rng, content):
    """Damage inside a ZIP archive's member or a safetensors header, the container itself in order."""
    if content[:2] == b"PK":
        return _inside_archive(rng, content)
    length = int.from_bytes(content[:8], "little")
    if content[8:9] == b"{" and length < len(content):
        header = _other_word(rng, content[8 : 8 + length])
        return len(header).to_bytes(8, "little") + header + content[8 + length :]
    return _damaged(rng, content, [content])


def _inside_archive(rng, content):
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
        members = {member.filename: old.read(member) for member in old.infolist()}
        chosen = rng.choice([name for name in members if name.endswith("data.pkl")] + [rng.choice(list(members))])
        members[chosen] = _damaged(rng, members[chosen], list(members.values()))
        for name, data in members.items():
            new.writestr(name, data, rng.choice((zipfile.ZIP_STORED,) * 9 + (zipfile.ZIP_DEFLATED,)))
    return made.getvalue()


def altered(rng, value, others):
    """A JSON value with one part of it replaced by another JSON value."""
    parts = list(_paths(value))
    text = json.loads(json.dumps(value))
    *path, last = rng.choice(parts)
    place = text
    for step in path:
        place = place[step]
    place[last] = rng.choice(others)
    return text


def _paths(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield (*path, key)
        yield from _paths(part, (*path, key))
