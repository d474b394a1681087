#include "vmm/base/netlink_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>

namespace nacre::netlink {

namespace {

/// Far above what any request takes: the kernel carries them out before sendmsg(2) returns.
constexpr timeval answer_timeout{30, 0};

void set_field(std::byte* header, std::size_t offset, Bytes value) {
    std::memcpy(header + offset, value.data(), value.size());
}

/// An errno, 0 for success, and the kernel's words for it (NETLINK_EXT_ACK), if any.
struct Acknowledgement {
    int code = 0;
    std::string words;
};

Acknowledgement read_acknowledgement(const Message& message) {
    auto payload = message.payload;
    const auto error = take_header<nlmsgerr>(payload);
    if (!error)
        return {EBADMSG, ""};
    const bool has_words = (message.flags & NLM_F_ACK_TLVS) != 0;
    return {-error->error, has_words ? Attributes(payload).text(NLMSGERR_ATTR_MSG) : std::string()};
}

Result<void> outcome(const Acknowledgement& answer, const Request& request) {
    if (answer.code == 0 || answer.code == request.tolerated())
        return {};
    if (answer.words.empty())
        return fail_with(answer.code, "{}", request.what());
    return fail_with(answer.code, "{}: {}", request.what(), answer.words);
}

}  // namespace

Result<Socket> Socket::open(int protocol) {
    FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (!socket)
        return fail_errno("open a netlink socket");
    const int on = 1;
    // Without these two, errors are numbers alone, and repeat the request.
    (void)::setsockopt(socket.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    (void)::setsockopt(socket.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &answer_timeout, sizeof(answer_timeout)) < 0)
        return fail_errno("limit the wait of a netlink socket");
    return Socket(std::move(socket));
}

Result<void> Socket::send(Bytes bytes, const std::string& what) {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    const auto* address = reinterpret_cast<const sockaddr*>(&kernel);  // as sendto(2) wants it
    if (::sendto(socket_.get(), bytes.data(), bytes.size(), 0, address, sizeof(kernel)) < 0)
        return fail_errno("{}", what);
    return {};
}

Result<Bytes> Socket::receive(const std::string& what) {
    ssize_t count = 0;
    do
        count = ::recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return fail_errno("{}", what);
    const auto size = static_cast<std::size_t>(count);
    if (size > buffer_.size())
        return fail_with(EMSGSIZE, "{}", what);
    return Bytes(buffer_).first(size);
}

Result<void> Socket::execute(const std::vector<Request>& requests) {
    constexpr std::size_t most_bytes = 65536;  // well below what a socket's send buffer takes
    Result<void> result;
    for (std::size_t first = 0; first < requests.size();) {
        std::size_t bytes = 0;
        auto last = first;
        while (last < requests.size() &&
               (last == first || bytes + requests[last].bytes().size() <= most_bytes))
            bytes += requests[last++].bytes().size();
        auto done = execute_some(std::span(requests).subspan(first, last - first));
        if (result && !done)
            result = std::move(done);
        first = last;
    }
    return result;
}

/// Only the last one is acknowledged when all is well; the others when they fail.
Result<void> Socket::execute_some(std::span<const Request> requests) {
    std::vector<std::byte> bytes;
    const auto first_sequence = sequence_;
    for (const auto& request : requests) {
        if (!request.is_valid())
            return fail_with(EMSGSIZE, "{}", request.what());
        const auto start = bytes.size();
        bytes.insert(bytes.end(), request.bytes().begin(), request.bytes().end());
        set_field(bytes.data() + start, offsetof(nlmsghdr, nlmsg_seq), bytes_of(sequence_++));
        if (&request == &requests.back()) {
            nlmsghdr header;
            std::memcpy(&header, bytes.data() + start, sizeof(header));
            header.nlmsg_flags |= NLM_F_ACK;
            set_field(bytes.data() + start, 0, bytes_of(header));
        }
    }
    NACRE_TRY(send(bytes, requests.front().what()));
    Result<void> result;
    for (;;) {
        NACRE_ASSIGN(auto answers, receive(requests.back().what()));
        while (const auto message = take_message(answers)) {
            const auto index = message->sequence - first_sequence;
            if (message->type != NLMSG_ERROR || index >= requests.size())
                continue;
            auto done = outcome(read_acknowledgement(*message), requests[index]);
            if (result && !done)
                result = std::move(done);
            if (index == requests.size() - 1)
                return result;
        }
    }
}

Result<std::vector<std::byte>> Socket::dump(const Request& request) {
    constexpr int most_tries = 10;
    std::vector<std::byte> answer;
    for (int tries = 0; tries < most_tries; ++tries) {
        answer.clear();
        NACRE_ASSIGN(const bool consistent, dump_once(request, answer));
        if (consistent)
            break;
    }
    return answer;
}

/// False if the tables changed while they were read. All of the answer is taken from the socket in any case.
Result<bool> Socket::dump_once(const Request& request, std::vector<std::byte>& answer) {
    constexpr std::size_t most_bytes = 4 << 20;
    const auto sequence = sequence_++;
    std::vector<std::byte> bytes(request.bytes().begin(), request.bytes().end());
    set_field(bytes.data(), offsetof(nlmsghdr, nlmsg_seq), bytes_of(sequence));
    NACRE_TRY(send(bytes, request.what()));
    bool consistent = true;
    for (;;) {
        NACRE_ASSIGN(const auto part, receive(request.what()));
        if (answer.size() + part.size() > most_bytes)
            return fail_with(E2BIG, "{}", request.what());
        answer.insert(answer.end(), part.begin(), part.end());
        auto left = part;
        while (const auto message = take_message(left)) {
            if (message->sequence != sequence)
                continue;
            if ((message->flags & NLM_F_DUMP_INTR) != 0)
                consistent = false;
            if (message->type == NLMSG_DONE)
                return consistent;
            if (message->type == NLMSG_ERROR) {
                NACRE_TRY(outcome(read_acknowledgement(*message), request));
                return consistent;
            }
        }
    }
}

}  // namespace nacre::netlink
