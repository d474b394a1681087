"""Exercises the system calls on files and prints each result or error name, so that two systems can be compared.

Usage: system_calls.py root|user. As user, it gives up root first and works where root has left files.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import socket
import stat
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
base = "/tmp/calls"


def show(name, call, *arguments, **options):
    try:
        result = call(*arguments, **options)
    except OSError as error:
        result = errno.errorcode[error.errno]
    print(f"{name}: {result}")
    return result


def opened(path, flags):
    os.close(os.open(path, flags))
    return "opened"


def write(path, content=b"content", mode=0o644):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    os.write(fd, content)
    os.close(fd)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def kind(path):
    status = os.lstat(path)
    return f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid} links {status.st_nlink}"


def renameat2(source, target, flags):
    if libc.renameat2(-100, source.encode(), -100, target.encode(), flags) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")
    return "done"


def create_exclusively(name):
    return opened(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY)


def exclusive_creates():
    os.mkdir("taken-directory")
    os.symlink("nowhere", "taken-link")
    for name in ("taken-directory", "taken-link", "taken-directory/.", "new-directory/", "n" * 256, "a/b"):
        show(f"exclusive create of {name[:20]}", create_exclusively, name)
    show("where the link points is not made", os.path.lexists, "nowhere")
    show("exclusive create of a new file", create_exclusively, "exclusive")
    show("its own name, open", lambda: os.path.basename(os.readlink("/proc/self/fd/%d" % os.open("exclusive", os.O_RDONLY))))
    show("once more", create_exclusively, "exclusive")
    os.unlink("exclusive")
    show("after its removal", create_exclusively, "exclusive")
    os.chmod(".", 0o555)
    show("exclusive create where nothing may be made", create_exclusively, "forbidden")
    show("exclusive create of what is there already", create_exclusively, "exclusive")
    os.chmod(".", 0o755)
    show("exclusive create when it may be made", create_exclusively, "forbidden")
    show("one winner of four", one_winner)


def one_winner():
    """How many of four processes that create 20 files at once made each of them: all of them by one."""
    reader, writer = os.pipe()
    for _ in range(4):
        if os.fork() == 0:
            for number in range(20):
                try:
                    create_exclusively(f"race{number}")
                    os.write(writer, b".")
                except FileExistsError:
                    pass
            os._exit(0)
    for _ in range(4):
        os.wait()
    os.close(writer)
    return len(os.read(reader, 1000)), sum(name.startswith("race") for name in os.listdir())


def create_and_modes():
    os.umask(0o027)
    write("a", mode=0o666)
    show("umask applies", kind, "a")
    show("exclusive create of a file that exists", os.open, "a", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    exclusive_creates()
    show("open of a missing file", os.open, "none", os.O_RDONLY)
    show("open through a file", os.open, "a/b", os.O_RDONLY)
    show("directory opened for writing", os.open, ".", os.O_WRONLY)
    show("name of 255 bytes", write, "n" * 255)
    show("name of 256 bytes", write, "n" * 256)
    show("path of 4096 bytes", write, "d/" * 2048)
    show("chmod", os.chmod, "a", 0o6755)
    show("after chmod", kind, "a")
    with open("a", "ab") as file:
        file.write(b"more")
    show("set-id bits after a write", kind, "a")
    show("truncate longer", os.truncate, "a", 100000)
    show("size", os.path.getsize, "a")
    show("truncate a directory", os.truncate, ".", 0)
    show("times", os.utime, "a", ns=(1_000_000_001, 2_000_000_003))
    show("times read", lambda: (os.stat("a").st_atime_ns, os.stat("a").st_mtime_ns))


def links_and_renames():
    write("one", b"1")
    show("hard link", os.link, "one", "two")
    show("counted", kind, "two")
    show("hard link over a file", os.link, "one", "two")
    show("hard link to a directory", os.link, ".", "dot")
    show("symbolic link", os.symlink, "one", "soft")
    show("read link", os.readlink, "soft")
    show("read of a link that is none", os.readlink, "one")
    show("through it", read, "soft")
    show("not through it", os.open, "soft", os.O_RDONLY | os.O_NOFOLLOW)
    os.symlink("loop", "loop")
    show("a loop", os.open, "loop", os.O_RDONLY)
    show("long link target", os.symlink, "x" * 4095, "long")
    show("length of it", lambda: len(os.readlink("long")))
    write("three", b"3")
    show("rename over", os.rename, "three", "one")
    show("old name gone", os.path.exists, "three")
    show("content", read, "one")
    show("rename of a missing file", os.rename, "none", "x")
    os.mkdir("dir")
    write("dir/file")
    show("file over directory", os.rename, "one", "dir")
    show("directory over file", os.rename, "dir", "one")
    os.mkdir("empty")
    show("directory over empty one", os.rename, "dir", "empty")
    show("directory into itself", os.rename, "empty", "empty/sub")
    show("no replace", renameat2, "one", "two", 1)
    show("exchange", renameat2, "one", "empty", 2)
    show("exchanged", lambda: (os.path.isdir("one"), os.path.isfile("empty")))
    show("remove of a directory that is not empty", os.rmdir, "one")
    show("unlink of a directory", os.unlink, "one")
    show("rmdir of a file", os.rmdir, "empty")


def data():
    fd = os.open("data", os.O_RDWR | os.O_CREAT)
    show("write at 1 MB", os.pwrite, fd, b"end", 1_000_000)
    show("hole reads zero", os.pread, fd, 4, 500_000)
    show("read past the end", os.pread, fd, 10, 2_000_000)
    show("allocate", os.posix_fallocate, fd, 0, 2_000_000)
    show("size", lambda: os.fstat(fd).st_size)
    show("negative seek", os.lseek, fd, -1, os.SEEK_SET)
    show("data sync", os.fdatasync, fd)
    show("sync", os.fsync, fd)
    big = bytes(range(256)) * 8192
    show("large write", os.pwrite, fd, big, 12345)
    show("large read is the same", lambda: os.pread(fd, len(big), 12345) == big)
    show("vector", os.pwritev, fd, [b"ab", b"cd"], 0)
    show("read back", os.pread, fd, 4, 0)
    memory = mmap.mmap(fd, 8192)
    memory[0:5] = b"mmap!"
    memory.flush()
    show("seen through read", os.pread, fd, 5, 0)
    os.pwrite(fd, b"write", 0)
    show("seen through mmap", lambda: memory[0:5])
    memory.close()
    other = os.open("copy", os.O_RDWR | os.O_CREAT)
    show("copy_file_range", os.copy_file_range, fd, other, 1000, 0, 0)
    show("copied", lambda: os.pread(other, 5, 0))
    append = os.open("copy", os.O_WRONLY | os.O_APPEND)
    os.write(append, b"appended")
    show("append goes to the end", lambda: os.fstat(append).st_size)
    show("write to a read-only descriptor", os.write, os.open("copy", os.O_RDONLY), b"x")
    os.unlink("copy")
    show("unlinked file still readable", os.pread, other, 5, 0)
    show("unlinked file has no links", lambda: os.fstat(other).st_nlink)
    show("unlinked file truncated", os.ftruncate, other, 3)
    show("its size", lambda: os.fstat(other).st_size)
    os.close(fd)


def directories():
    os.makedirs("many/deep/er")
    for number in range(700):
        write(f"many/file-{number:04}-with-a-name-that-takes-some-room", b"")
    show("all entries", lambda: len(os.listdir("many")))
    show("types", lambda: sorted((e.name, e.is_dir()) for e in os.scandir("many"))[-1])
    with os.scandir("many") as entries:
        for entry in entries:
            if entry.is_file():
                os.unlink(entry.path)
    show("removed while reading", os.listdir, "many")
    show("directory links", lambda: os.stat("many/deep").st_nlink)
    os.mkdir("sticky", 0o1777)
    os.chmod("sticky", 0o1777)
    show("sticky", kind, "sticky")
    os.mkdir("setgid")
    os.chmod("setgid", 0o2775)
    os.mkdir("setgid/below")
    show("set-gid is inherited", kind, "setgid/below")


def special_files():
    show("fifo", os.mkfifo, "fifo")
    show("its kind", kind, "fifo")
    show("device", os.mknod, "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    server = socket.socket(socket.AF_UNIX)
    show("unix socket", server.bind, "socket")
    server.listen()
    client = socket.socket(socket.AF_UNIX)
    show("connect", client.connect, "socket")
    show("open of a socket", os.open, "socket", os.O_RDONLY)
    reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open("fifo", os.O_WRONLY)
    os.write(writer, b"through")
    show("through the fifo", os.read, reader, 20)


def attributes():
    write("attr")
    show("trusted without right or value", os.getxattr, "attr", "trusted.none")
    show("capability", lambda: os.setxattr("attr", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000")))
    show("read back", lambda: os.getxattr("attr", "security.capability").hex())
    write("attr", b"changed")
    show("gone after a write", os.getxattr, "attr", "security.capability")
    fd = os.open("attr", os.O_RDWR)
    for name, change in (("a second write", lambda: os.pwrite(fd, b"x", 0)), ("ftruncate", lambda: os.ftruncate(fd, 3)),
                         ("fallocate", lambda: os.posix_fallocate(fd, 0, 5000)), ("chown", lambda: os.fchown(fd, os.getuid(), -1))):
        show("capability again", lambda: os.setxattr("attr", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000")))
        show(name, change)
        show("gone after it", os.getxattr, "attr", "security.capability")
    os.close(fd)
    if os.geteuid() == 0:  # to others an overlay file system says ENODATA, any other EPERM
        show("remove a missing one", os.removexattr, "attr", "security.capability")
    show("unknown name space", os.setxattr, "attr", "nonsense.name", b"x")


def acl(*entries):
    """The bytes of a POSIX ACL of (tag, permissions, id) entries: struct posix_acl_xattr_header and _entry."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def access_control_lists():
    owner, user, group, mask, other, nobody = 1, 2, 4, 0x10, 0x20, 0xFFFFFFFF
    write("listed", mode=0o640)
    show("set", os.setxattr, "listed", "system.posix_acl_access",
         acl((owner, 6, nobody), (user, 4, 4444), (group, 4, nobody), (mask, 6, nobody), (other, 0, nobody)))
    show("the mask is the group's mode", kind, "listed")
    show("read back", lambda: os.getxattr("listed", "system.posix_acl_access").hex())
    show("chmod changes the mask", lambda: (os.chmod("listed", 0o600), os.getxattr("listed", "system.posix_acl_access").hex()))
    show("without a mask", os.setxattr, "listed", "system.posix_acl_access",
         acl((owner, 6, nobody), (user, 4, 4444), (group, 4, nobody), (other, 0, nobody)))
    show("default of a file", os.setxattr, "listed", "system.posix_acl_default", acl((owner, 6, nobody), (group, 4, nobody), (other, 0, nobody)))
    os.mkdir("defaults")
    show("default of a directory", os.setxattr, "defaults", "system.posix_acl_default",
         acl((owner, 7, nobody), (user, 7, 4444), (group, 5, nobody), (mask, 7, nobody), (other, 0, nobody)))
    os.umask(0o077)
    write("defaults/file", mode=0o666)
    os.mkdir("defaults/below", 0o777)
    os.umask(0o022)
    show("counts instead of the umask", lambda: (kind("defaults/file"), kind("defaults/below")))
    show("is inherited", lambda: sorted(os.listxattr("defaults/below")))
    show("a user named by root", opened, "/tmp/of-root/for-1000", os.O_RDONLY)
    show("a user shut out by root", opened, "/tmp/of-root/not-for-1000", os.O_RDONLY)


def child(action):
    """Runs action in another process; the result is its text."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            text = str(action())
        except OSError as error:
            text = errno.errorcode[error.errno]
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    text = os.read(reader, 1000).decode()
    os.close(reader)
    os.waitpid(pid, 0)
    return text


def locks():
    write("lock")
    file = open("lock", "r+b")
    show("flock", fcntl.flock, file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    show("flock by another", child, lambda: fcntl.flock(open("lock"), fcntl.LOCK_EX | fcntl.LOCK_NB))
    fcntl.flock(file, fcntl.LOCK_UN)
    show("record lock", fcntl.lockf, file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)
    show("overlapping by another", child, lambda: fcntl.lockf(open("lock", "r+b"), fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 10))
    show("beside by another", child, lambda: fcntl.lockf(open("lock", "r+b"), fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 0))


def permissions():
    write("private", mode=0o600)
    show("access", lambda: (os.access("private", os.R_OK), os.access("private", os.X_OK)))
    show("another's file", opened, "/tmp/of-root/private", os.O_RDONLY)
    show("another's readable file", opened, "/tmp/of-root/readable", os.O_WRONLY)
    show("creation in another's directory", opened, "/tmp/of-root/new", os.O_WRONLY | os.O_CREAT)
    show("removal from another's directory", os.unlink, "/tmp/of-root/removable")
    show("removal from a sticky directory", os.unlink, "/tmp/of-root/sticky/file")
    show("group readable", read, "/tmp/of-root/group")
    show("owner change", os.chown, "private", 12, 13)
    show("owner", kind, "private")
    show("mode of another's file", os.chmod, "/tmp/of-root/readable", 0o777)
    show("times of another's file", os.utime, "/tmp/of-root/readable")


def prepare_roots_files():
    os.mkdir("/tmp/of-root", 0o755)
    os.mkdir("/tmp/of-root/sticky")
    os.chmod("/tmp/of-root/sticky", 0o1777)
    for name, mode, group in [("private", 0o600, 0), ("readable", 0o644, 0), ("removable", 0o666, 0),
                              ("sticky/file", 0o666, 0), ("group", 0o040, 4321)]:
        write("/tmp/of-root/" + name)
        os.chmod("/tmp/of-root/" + name, mode)
        os.chown("/tmp/of-root/" + name, 0, group)
    for name, named, rest in [("for-1000", 4, 0), ("not-for-1000", 0, 4)]:
        write("/tmp/of-root/" + name)
        os.setxattr("/tmp/of-root/" + name, "system.posix_acl_access", acl(
            (1, 6, 0xFFFFFFFF), (2, named, 1000), (4, rest, 0xFFFFFFFF), (0x10, 4, 0xFFFFFFFF), (0x20, rest, 0xFFFFFFFF)))


def main():
    os.umask(0o022)
    prepare_roots_files()
    os.mkdir(base)
    os.chown(base, 1000, 1000) if sys.argv[1] == "user" else None
    os.chdir(base)
    if sys.argv[1] == "user":
        os.setgroups([4321])
        os.setgid(1000)
        os.setuid(1000)
    for step in (create_and_modes, links_and_renames, data, directories, special_files, attributes, access_control_lists, locks,
                 permissions):
        print(f"-- {step.__name__}")
        step()


main()
