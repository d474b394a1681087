#include "guest-agent/stdio/process_streams.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace nacre::agent {

namespace {

/// The connection is new and its buffer empty: a greeting that does not fit at once is a broken connection.
Result<void> greet(int connection, const std::string& greeting) {
    const auto sent = ::send(connection, greeting.data(), greeting.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent != static_cast<ssize_t>(greeting.size()))
        return fail_errno("answer on a stream");
    return {};
}

}  // namespace

Result<void> ProcessStreams::use_terminal(FileDescriptor master) {
    NACRE_TRY(set_nonblocking(master.get(), true));
    terminal_slave_.reset(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!terminal_slave_)
        return fail_errno("open terminal");
    // A descriptor for each direction: both are watched.
    NACRE_ASSIGN(pipes_.input, master.duplicate());
    NACRE_ASSIGN(pipes_.output, master.duplicate());
    terminal_ = std::move(master);
    return {};
}

Result<void> ProcessStreams::check_attachable(protocol::Stream stream) const {
    const bool input = stream == protocol::Stream::standard_input;
    const bool output = stream == protocol::Stream::standard_output;
    const auto& pipe = input ? pipes_.input : output ? pipes_.output : pipes_.error;
    const bool absent = stream == protocol::Stream::standard_error && terminal_;
    if (absent || (pipe && !(input && pending_input_.connection)))
        return {};
    return fail_with(EBUSY, "attach to a stream that was attached before");
}

Result<void> ProcessStreams::attach(protocol::Stream stream, FileDescriptor connection,
                                    std::string greeting) {
    switch (stream) {
        case protocol::Stream::standard_output:
            return attach_output(pipes_.output, output_, std::move(connection), greeting);
        case protocol::Stream::standard_error:
            if (terminal_)
                return greet(connection.get(), greeting);
            return attach_output(pipes_.error, error_, std::move(connection), greeting);
        case protocol::Stream::standard_input:
            break;
    }
    if (started_)
        return start_input(std::move(connection), greeting);
    pending_input_ = {std::move(connection), std::move(greeting)};
    return {};
}

Result<void> ProcessStreams::attach_output(FileDescriptor& pipe, std::unique_ptr<Pump>& pump,
                                           FileDescriptor connection, const std::string& greeting) {
    NACRE_TRY(greet(connection.get(), greeting));
    const auto method = terminal_ ? Pump::Method::copy : Pump::Method::splice;
    NACRE_ASSIGN(pump, Pump::start(loop_, std::move(pipe), std::move(connection), method,
                                   [this, &pump](Pump::End end) { on_output_end(pump, end); }));
    if (!process_gone_)
        return {};
    watch_idle(*pump);
    if (pump->idle())
        pump.reset();
    return {};
}

void ProcessStreams::on_output_end(std::unique_ptr<Pump>& pump, Pump::End end) {
    pump.reset();
    if (terminal_ && end == Pump::End::sink_closed)
        hang_up();
    check_drained();
}

/// The kernel sends SIGHUP to the terminal's session once no master is open.
void ProcessStreams::hang_up() {
    input_.reset();
    pending_input_ = {};
    pipes_ = {};
    terminal_slave_.reset();
    terminal_.reset();
}

Result<void> ProcessStreams::start_input(FileDescriptor connection, const std::string& greeting) {
    NACRE_TRY(greet(connection.get(), greeting));
    const auto method = terminal_ ? Pump::Method::copy : Pump::Method::splice;
    // Destroying the pump closes the pipe, which is the process's end of file, and the connection, which
    // tells the host.
    NACRE_ASSIGN(input_, Pump::start(loop_, std::move(connection), std::move(pipes_.input), method,
                                     [this](Pump::End) { input_.reset(); }));
    return {};
}

void ProcessStreams::started() {
    started_ = true;
    // A connection that broke meanwhile is dropped with what it carried: the process reads end of file then.
    if (pending_input_.connection &&
        !start_input(std::move(pending_input_.connection), pending_input_.greeting))
        pipes_.input.reset();
}

bool ProcessStreams::drained() const {
    return (!output_ || output_->idle()) && (!error_ || error_->idle());
}

void ProcessStreams::check_drained() {
    if (!process_gone_ || !drained())
        return;
    output_.reset();
    error_.reset();
    if (on_drained_)
        std::exchange(on_drained_, nullptr)();
}

void ProcessStreams::watch_idle(Pump& pump) {
    pump.when_idle([this] { check_drained(); });
}

void ProcessStreams::when_drained(std::function<void()> on_drained) {
    process_gone_ = true;
    on_drained_ = std::move(on_drained);
    for (auto* pump : {output_.get(), error_.get()}) {
        if (pump != nullptr)
            watch_idle(*pump);
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
