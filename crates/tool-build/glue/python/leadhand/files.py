"""Files of the workspace, in fewer words than the interface of the host."""

from componentize_py_types import Err
from leadhand.error import of_host
from wit_world.imports import files as host

PIECE_BYTES = 1 << 20


def asked(ask, *arguments):
    try:
        return ask(*arguments)
    except Err as error:
        raise of_host(error) from None


def read_bytes(path):
    """The bytes of a file."""
    content = bytearray()
    while True:
        piece = asked(host.read_range, path, len(content), PIECE_BYTES)
        content += piece
        if len(piece) < PIECE_BYTES:
            return bytes(content)


def read(path):
    """The text of a file."""
    return read_bytes(path).decode("utf-8", "replace")


def write(path, content):
    """Writes a text or bytes; the file is replaced as a whole."""
    asked(host.write, path, content.encode() if isinstance(content, str) else bytes(content))


def entries(path="."):
    """The entries of a folder as tuples: name, "file" or "folder", bytes."""
    return [(e.name, e.kind.name.lower(), e.bytes) for e in asked(host.list_folder, path)]


def list(path="."):
    """The names in a folder."""
    return [entry[0] for entry in entries(path)]


def kind(path):
    """"file", "folder", or None for what is not there or may not be seen."""
    try:
        return host.stat(path).kind.name.lower()
    except Err:
        return None


def exists(path):
    return kind(path) is not None


def make_folder(path):
    asked(host.create_folder, path)


def move(from_path, to_path):
    asked(host.rename, from_path, to_path)


def remove(path):
    asked(host.remove, path)
