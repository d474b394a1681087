#include "guest-agent/stdio/pump.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace nacre::agent {

namespace {

constexpr std::size_t splice_bytes = 256 * 1024;
constexpr std::size_t copy_bytes = 16 * 1024;

/// How often one event moves bytes before the loop's other users have their turn.
constexpr int rounds_per_event = 16;

bool is_readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, 0) > 0;
}

}  // namespace

Result<std::unique_ptr<Pump>> Pump::start(EventLoop& loop, FileDescriptor source, FileDescriptor sink,
                                          Method method, OnEnd on_end, SinkEnd sink_end) {
    std::unique_ptr<Pump> pump(
        new Pump(loop, std::move(source), std::move(sink), method, std::move(on_end), sink_end));
    NACRE_TRY(pump->watch());
    return pump;
}

Pump::Pump(EventLoop& loop, FileDescriptor source, FileDescriptor sink, Method method, OnEnd on_end,
           SinkEnd sink_end)
    : loop_(loop),
      source_(std::move(source)),
      sink_(std::move(sink)),
      method_(method),
      on_end_(std::move(on_end)),
      sink_end_events_(sink_end == SinkEnd::half_closed ? std::uint32_t{EPOLLRDHUP} : 0) {}

Pump::~Pump() {
    loop_.remove(source_.get());
    loop_.remove(sink_.get());
}

Result<void> Pump::watch() {
    NACRE_TRY(loop_.add(sink_.get(), sink_end_events_, [this](std::uint32_t events) { on_sink(events); }));
    wait_for(Waiting::source);
    return {};
}

/// The sink is always watched, for its end; the source only while its bytes are wanted: a source whose
/// writers are gone would otherwise report that without end.
void Pump::wait_for(Waiting side) {
    waiting_ = side;
    (void)loop_.modify(sink_.get(), sink_end_events_ | (side == Waiting::sink ? EPOLLOUT : 0u));
    const bool watch_source = side == Waiting::source;
    if (watch_source && !source_watched_)
        (void)loop_.add(source_.get(), EPOLLIN, [this](std::uint32_t) { run(); });
    else if (!watch_source && source_watched_)
        loop_.remove(source_.get());
    source_watched_ = watch_source;
}

void Pump::on_sink(std::uint32_t events) {
    if ((events & (EPOLLERR | EPOLLHUP | sink_end_events_)) != 0)
        end(End::sink_closed);
    else
        run();
}

void Pump::run() {
    Step last = Step::moved;
    for (int round = 0; round < rounds_per_event && last == Step::moved; ++round)
        last = step();
    switch (last) {
        case Step::moved:
            break;
        case Step::source_empty:
            wait_for(Waiting::source);
            break;
        case Step::sink_full:
            wait_for(Waiting::sink);
            break;
        case Step::blocked:
            // splice does not tell which side was the cause: it is not the one that was waited for.
            wait_for(waiting_ == Waiting::source ? Waiting::sink : Waiting::source);
            break;
        case Step::ended:
            end(End::source_ended);
            return;
        case Step::broken:
            end(End::sink_closed);
            return;
    }
    // A copy, and nothing after it: the call may destroy this pump.
    if (const auto on_idle = on_idle_; on_idle && idle())
        on_idle();
}

Pump::Step Pump::step() {
    return method_ == Method::splice ? step_splice() : step_copy();
}

Pump::Step Pump::step_splice() {
    const auto moved = ::splice(source_.get(), nullptr, sink_.get(), nullptr, splice_bytes,
                                SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (moved > 0)
        return Step::moved;
    if (moved == 0)
        return Step::ended;
    if (errno == EAGAIN || errno == EINTR)
        return Step::blocked;
    return Step::broken;
}

Pump::Step Pump::step_copy() {
    if (buffer_begin_ == buffer_.size()) {
        buffer_.resize(copy_bytes);
        buffer_begin_ = 0;
        const auto count = ::read(source_.get(), buffer_.data(), buffer_.size());
        const int code = count < 0 ? errno : 0;
        buffer_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        if (code == EAGAIN || code == EINTR)
            return Step::source_empty;
        // A terminal's master reads EIO once every process has closed the terminal.
        if (count <= 0)
            return Step::ended;
    }
    const auto count = ::write(sink_.get(), buffer_.data() + buffer_begin_, buffer_.size() - buffer_begin_);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR ? Step::sink_full : Step::broken;
    buffer_begin_ += static_cast<std::size_t>(count);
    return Step::moved;
}

bool Pump::idle() const {
    return buffer_begin_ == buffer_.size() && !is_readable(source_.get());
}

void Pump::when_idle(std::function<void()> on_idle) {
    on_idle_ = std::move(on_idle);
}

void Pump::end(End how) {
    const auto on_end = std::exchange(on_end_, nullptr);
    loop_.remove(source_.get());
    loop_.remove(sink_.get());
    source_watched_ = false;
    if (on_end)
        on_end(how);
}

}  // namespace nacre::agent
