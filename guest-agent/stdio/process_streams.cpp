#include "guest-agent/stdio/process_streams.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace nacre::agent {

namespace {

/// The connection is new and its buffer empty: a greeting that does not fit at once is a broken connection.
Result<void> greet(int connection, const std::string& greeting) {
    const auto sent = ::send(connection, greeting.data(), greeting.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != static_cast<ssize_t>(greeting.size()))
        return fail_errno("answer on a stream");
    return {};
}

/// splice needs a pipe; terminals and sockets have none.
Pump::Method method_for(const FileDescriptor& pipe) {
    struct stat status {};
    const bool is_pipe = ::fstat(pipe.get(), &status) == 0 && S_ISFIFO(status.st_mode);
    return is_pipe ? Pump::Method::splice : Pump::Method::copy;
}

}  // namespace

ProcessStreams::ProcessStreams(EventLoop& loop, ParentPipes&& pipes) : loop_(loop) {
    for (auto& [number, pipe] : pipes.inputs) {
        if (pipes.outputs.contains(number))
            sockets_[number].reset(::fcntl(pipe.get(), F_DUPFD_CLOEXEC, 0));
        inputs_[number].pipe = std::move(pipe);
    }
    for (auto& [number, pipe] : pipes.outputs)
        outputs_[number].pipe = std::move(pipe);
}

Result<void> ProcessStreams::use_terminal(FileDescriptor master) {
    NACRE_TRY(set_nonblocking(master.get(), true));
    terminal_slave_.reset(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!terminal_slave_)
        return fail_errno("open terminal");
    // A descriptor for each direction: both are watched.
    NACRE_ASSIGN(inputs_[STDIN_FILENO].pipe, master.duplicate());
    NACRE_ASSIGN(outputs_[STDOUT_FILENO].pipe, master.duplicate());
    terminal_ = std::move(master);
    return {};
}

/// A terminal's standard error: attached without anything to carry.
bool ProcessStreams::is_absent(protocol::Stream stream) const {
    return stream == protocol::standard_error && !outputs_.contains(STDERR_FILENO);
}

Result<void> ProcessStreams::check_attachable(protocol::Stream stream) const {
    if (stream.input) {
        const auto input = inputs_.find(stream.descriptor);
        if (input != inputs_.end() && input->second.pipe && !input->second.connection)
            return {};
    } else {
        const auto output = outputs_.find(stream.descriptor);
        if (is_absent(stream) || (output != outputs_.end() && output->second.pipe))
            return {};
    }
    return fail_with(EBUSY, "attach to a stream that does not exist or was attached before");
}

Result<void> ProcessStreams::attach(protocol::Stream stream, FileDescriptor connection,
                                    std::string greeting) {
    if (is_absent(stream))
        return greet(connection.get(), greeting);
    if (!stream.input)
        return attach_output(stream.descriptor, std::move(connection), greeting);
    if (started_)
        return start_input(stream.descriptor, std::move(connection), greeting);
    auto& input = inputs_[stream.descriptor];
    input.connection = std::move(connection);
    input.greeting = std::move(greeting);
    return {};
}

Result<void> ProcessStreams::attach_output(std::uint32_t number, FileDescriptor connection,
                                           const std::string& greeting) {
    auto& output = outputs_[number];
    NACRE_TRY(greet(connection.get(), greeting));
    const auto method = method_for(output.pipe);
    NACRE_ASSIGN(output.pump, Pump::start(loop_, std::move(output.pipe), std::move(connection), method,
                                          [this, number](Pump::End end) { on_output_end(number, end); }));
    if (!process_gone_)
        return {};
    watch_idle(*output.pump);
    if (output.pump->idle())
        output.pump.reset();
    return {};
}

void ProcessStreams::on_output_end(std::uint32_t number, Pump::End end) {
    outputs_[number].pump.reset();
    const auto socket = sockets_.find(number);
    if (socket != sockets_.end())
        ::shutdown(socket->second.get(), SHUT_RD);
    if (terminal_ && number == STDOUT_FILENO && end == Pump::End::sink_closed)
        hang_up();
    check_drained();
}

/// The kernel sends SIGHUP to the terminal's session once no master is open.
void ProcessStreams::hang_up() {
    inputs_.erase(STDIN_FILENO);
    outputs_.erase(STDOUT_FILENO);
    terminal_slave_.reset();
    terminal_.reset();
}

Result<void> ProcessStreams::start_input(std::uint32_t number, FileDescriptor connection,
                                         const std::string& greeting) {
    auto& input = inputs_[number];
    NACRE_TRY(greet(connection.get(), greeting));
    const auto method = method_for(input.pipe);
    // A process may write on a socket no more and still read.
    const auto sink_end = sockets_.contains(number) ? Pump::SinkEnd::closed : Pump::SinkEnd::half_closed;
    NACRE_ASSIGN(input.pump, Pump::start(
                                 loop_, std::move(connection), std::move(input.pipe), method,
                                 [this, number](Pump::End) { on_input_end(number); }, sink_end));
    return {};
}

/// Destroying the pump closes the pipe, which is the process's end of file, and the connection, which tells
/// the host.
void ProcessStreams::on_input_end(std::uint32_t number) {
    inputs_[number].pump.reset();
    const auto socket = sockets_.find(number);
    if (socket != sockets_.end())
        ::shutdown(socket->second.get(), SHUT_WR);
}

void ProcessStreams::started() {
    started_ = true;
    for (auto& [number, input] : inputs_) {
        // A connection that broke meanwhile is dropped with what it carried: the process reads end of file
        // then.
        if (input.connection && !start_input(number, std::move(input.connection), input.greeting)) {
            input.pipe.reset();
            on_input_end(number);
        }
    }
}

bool ProcessStreams::drained() const {
    return std::ranges::all_of(
        outputs_, [](const auto& entry) { return !entry.second.pump || entry.second.pump->idle(); });
}

void ProcessStreams::check_drained() {
    if (!process_gone_ || !drained())
        return;
    for (auto& [number, output] : outputs_)
        output.pump.reset();
    if (on_drained_)
        std::exchange(on_drained_, nullptr)();
}

void ProcessStreams::watch_idle(Pump& pump) {
    pump.when_idle([this] { check_drained(); });
}

void ProcessStreams::when_drained(std::function<void()> on_drained) {
    process_gone_ = true;
    on_drained_ = std::move(on_drained);
    for (auto& [number, output] : outputs_) {
        if (output.pump)
            watch_idle(*output.pump);
    }
    check_drained();
}

Result<void> ProcessStreams::resize(std::uint16_t rows, std::uint16_t columns) const {
    if (!terminal_)
        return fail_with(ENOTTY, "the process has no terminal");
    winsize size{};
    size.ws_row = rows;
    size.ws_col = columns;
    if (::ioctl(terminal_.get(), TIOCSWINSZ, &size) < 0)
        return fail_errno("set size of terminal");
    return {};
}

}  // namespace nacre::agent
