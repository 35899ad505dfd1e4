"""What tests/fault/preload.c wrote down, and what of it a power failure would have left.

The model is the harshest that SQLite's documentation assumes: of what was written to a file since its last sync, any part may be on the disk, cut at any sector;
of what was done to the names in a folder since the folder's last sync, any first part may be. A name that was never synced is lost with its file."""
import os
import re

SECTOR = 512


class Deed:
    """A line of the trace."""

    def __init__(self, number, word, path, offset, length, other, data):
        self.number, self.word, self.path, self.offset, self.length, self.other, self.data = number, word, path, offset, length, other, data

    def label(self):
        """What it is, without what differs from run to run."""
        if self.is_call():
            return f"{self.word} {general(self.path)}"
        return f"{self.word} {re.sub('tmp-[0-9A-Za-z]{6}', 'tmp', os.path.basename(self.path))}"

    def pattern(self):
        """By which it is found again in another run, together with its word: a pattern of fnmatch for its path."""
        return "*" + general(self.path) if self.is_call() else "*/" + re.sub("tmp-[0-9A-Za-z]{6}", "tmp-??????", os.path.basename(self.path))

    def is_call(self):
        return self.word.isupper()


def general(path):
    """The path of a call without ids and names."""
    path = re.sub(r"^/v1\.\d\d", "", path)
    parts = ["*" if part.isdigit() or (re.search(r"\d", part[2:]) and len(part) > 8) else part for part in path.split("/")]
    return re.sub(r"(/secrets/|/networks/|/volumes/|/containers/)(?!create|raw)[^/]+", r"\1*", "/".join(parts))


def read_trace(path, keeps=False):
    """What was done, and that at which it went wrong (None when it never came to it)."""
    if not os.path.exists(path):
        return [], None
    with open(path, "rb") as file:
        text = file.read()
    deeds, hit, at = [], None, 0
    while at < len(text):
        end = text.index(b"\n", at)
        number, word, where, offset, length, other = text[at:end].decode().split("\t")
        at = end + 1
        data = None
        if keeps and word == "write" and number != "!":
            data = text[at:at + int(length)]
            at += int(length) + 1
        deed = Deed(number, word, where, int(offset), int(length), other, data)
        if number == "!":
            hit = deed
        else:
            deeds.append(deed)
    return deeds, hit


class File:
    def __init__(self, content=b""):
        self.synced, self.pending = content, []

    def content(self, choose):
        """`choose` says which part of a pending write is there: a list of (from, to)."""
        data = bytearray(self.synced)
        for deed in self.pending:
            if deed.word == "truncate":
                if choose(deed):
                    data = data[:deed.offset].ljust(deed.offset, b"\0")
                continue
            for begin, end in choose(deed):
                if len(data) < deed.offset + end:
                    data = data.ljust(deed.offset + end, b"\0")
                data[deed.offset + begin:deed.offset + end] = deed.data[begin:end]
        return bytes(data)


class Disk:
    """The files below some folders: as they are, and as far as they are on the disk."""

    def __init__(self, roots):
        self.names, self.synced_names, self.pending_names, self.roots = {}, {}, {}, roots
        for root in roots:
            for folder, _, files in os.walk(root):
                for name in files:
                    path = os.path.join(folder, name)
                    if os.path.islink(path):
                        continue
                    with open(path, "rb") as file:
                        self.names[path] = File(file.read())
        self.synced_names = dict(self.names)

    def do(self, deed):
        if deed.word == "write" or deed.word == "truncate":
            if deed.path in self.names:
                self.names[deed.path].pending.append(deed)
        elif deed.word == "sync":
            self.sync(deed.path)
        elif deed.word in ("create", "rename", "unlink"):
            if deed.word == "create":
                self.names[deed.path] = File()
            self.apply_name(self.names, deed, self.names.get(deed.path))
            self.pending_names.setdefault(os.path.dirname(deed.path), []).append((deed, self.names.get(deed.other or deed.path)))

    @staticmethod
    def apply_name(names, deed, file):
        if deed.word == "create":
            names[deed.path] = file
        elif deed.word == "unlink":
            names.pop(deed.path, None)
        elif deed.word == "rename" and file is not None:
            names.pop(deed.path, None)
            names[deed.other] = file

    def sync(self, path):
        if path in self.names:
            file = self.names[path]
            file.synced, file.pending = file.content(lambda deed: True if deed.word == "truncate" else [(0, deed.length)]), []
        else:
            for deed, file in self.pending_names.pop(path, []):
                self.apply_name(self.synced_names, deed, file)

    def after_power_loss(self, random=None):
        """{path: content}. Without `random`, nothing is there that was not synced."""
        def choose(deed):
            if random is None:
                return False if deed.word == "truncate" else []
            if deed.word == "truncate":
                return random.random() < 0.5
            fate = random.random()
            if fate < 0.4:
                return []
            if fate < 0.7:
                return [(0, deed.length)]
            return [(at, min(at + SECTOR, deed.length)) for at in range(0, deed.length, SECTOR) if random.random() < 0.5]
        names = dict(self.synced_names)
        for pending in self.pending_names.values():
            for deed, file in pending[:0 if random is None else random.randrange(len(pending) + 1)]:
                self.apply_name(names, deed, file)
        return {path: file.content(choose) for path, file in names.items()}


def put_image(roots, image):
    """Makes the files below the folders those of the image; modes stay, and new ones are private."""
    for root in roots:
        for folder, _, files in os.walk(root):
            for name in files:
                path = os.path.join(folder, name)
                if not os.path.islink(path) and path not in image:
                    os.unlink(path)
    for path, content in image.items():
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
