#include "tests/vmm/fuse/fake_client.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace nacre::fuse::fake {

TemporaryShare::TemporaryShare() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nacre-share-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
        throw std::runtime_error("mkdtemp: " + errno_text(errno));
    path_ = pattern;
    std::filesystem::create_directory(inside());
}

TemporaryShare::~TemporaryShare() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryShare::inside(std::string_view name) const {
    return path_ + "/share" + (name.empty() ? "" : "/") + std::string(name);
}

std::string TemporaryShare::outside(std::string_view name) const {
    return path_ + "/" + std::string(name);
}

void TemporaryShare::write(std::string_view name, std::string_view content) const {
    std::ofstream(inside(name), std::ios::binary) << content;
}

std::string TemporaryShare::read(std::string_view name) const {
    std::ifstream file(inside(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

FileDescriptor own_descriptors() {
    return FileDescriptor(::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

FakeClient::FakeClient(const TemporaryShare& share, Options options) : user(getuid()), group(getgid()) {
    FileDescriptor root(::open(share.inside().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto file_system = FileSystem::create(std::move(root), own_descriptors(), options);
    if (!file_system)
        throw std::runtime_error(file_system.error().message);
    owned_ = std::move(*file_system);
    file_system_ = owned_.get();
    worker_ = Worker::create(*file_system_).value();
}

FakeClient::FakeClient(FileSystem& file_system)
    : user(getuid()),
      group(getgid()),
      file_system_(&file_system),
      worker_(Worker::create(file_system).value()) {}

FakeClient::~FakeClient() {
    umask(022);
}

Answer FakeClient::initialize() {
    fuse_init_in in{};
    in.major = 7;
    in.minor = 41;
    in.max_readahead = 128 * 1024;
    in.flags = ~0U;
    in.flags2 = ~0U;
    return call(FUSE_INIT, 0, bytes_of(in));
}

std::string FakeClient::header(std::uint32_t opcode, NodeId node, std::size_t arguments_length) const {
    fuse_in_header header{};
    header.len = static_cast<std::uint32_t>(sizeof header + arguments_length);
    header.opcode = opcode;
    header.unique = 4711;
    header.nodeid = node;
    header.uid = user;
    header.gid = group;
    return bytes_of(header);
}

Answer FakeClient::call(std::uint32_t opcode, NodeId node, std::string_view arguments,
                        std::size_t reply_space) {
    return send(header(opcode, node, arguments.size()) + std::string(arguments), reply_space);
}

Answer FakeClient::send(std::string_view request, std::size_t reply_space, std::size_t piece) {
    std::string input(request);
    std::string output(reply_space, '\xee');
    std::vector<iovec> in;
    for (std::size_t offset = 0; offset < input.size(); offset += piece)
        in.push_back({input.data() + offset, std::min(piece, input.size() - offset)});
    std::vector<iovec> out;
    for (std::size_t offset = 0; offset < output.size(); offset += piece)
        out.push_back({output.data() + offset, std::min(piece, output.size() - offset)});
    Answer answer;
    answer.length = worker_->handle(in, out);
    if (answer.length < sizeof(fuse_out_header))
        return answer;
    fuse_out_header header{};
    std::memcpy(&header, output.data(), sizeof header);
    answer.error = -header.error;
    answer.unique = header.unique;
    answer.body = output.substr(sizeof header, answer.length - sizeof header);
    if (header.len != answer.length)
        throw std::runtime_error("a reply's header tells another length than the server");
    return answer;
}

Answer FakeClient::lookup(NodeId parent, std::string_view name) {
    return call(FUSE_LOOKUP, parent, name_bytes(name));
}

NodeId FakeClient::walk(std::string_view path) {
    NodeId current = root_node;
    while (!path.empty() && current != 0) {
        const auto slash = std::min(path.find('/'), path.size());
        current = node(current, path.substr(0, slash));
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return current;
}

Answer FakeClient::open(NodeId node, std::uint32_t flags, std::uint32_t open_flags) {
    return call(FUSE_OPEN, node, bytes_of(fuse_open_in{flags, open_flags}));
}

Answer FakeClient::read(std::uint64_t handle, std::uint64_t offset, std::uint32_t size) {
    fuse_read_in in{};
    in.fh = handle;
    in.offset = offset;
    in.size = size;
    return call(FUSE_READ, root_node, bytes_of(in), sizeof(fuse_out_header) + size);
}

Answer FakeClient::write(std::uint64_t handle, std::uint64_t offset, std::string_view data,
                         std::uint32_t flags, std::uint32_t write_flags) {
    fuse_write_in in{};
    in.fh = handle;
    in.offset = offset;
    in.size = static_cast<std::uint32_t>(data.size());
    in.flags = flags;
    in.write_flags = write_flags;
    return call(FUSE_WRITE, root_node, bytes_of(in) + std::string(data));
}

Answer FakeClient::getattr(NodeId node) {
    return call(FUSE_GETATTR, node, bytes_of(fuse_getattr_in{}));
}

Answer FakeClient::setattr(NodeId node, const fuse_setattr_in& in) {
    return call(FUSE_SETATTR, node, bytes_of(in));
}

Answer FakeClient::forget(NodeId node, std::uint64_t count) {
    return call(FUSE_FORGET, node, bytes_of(fuse_forget_in{count}));
}

}  // namespace nacre::fuse::fake
