#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "vmm/base/event_loop.h"
#include "vmm/base/file_descriptor.h"

namespace nacre::agent {

/// Moves bytes from one descriptor to another until end of file, without blocking. What the sink does not
/// take stays in the source (or in one small buffer): that is the back-pressure. Between a pipe and a socket
/// the bytes are spliced (splice(2)) and never enter this process.
///
/// Belongs to the loop's thread.
class Pump {
  public:
    enum class End {
        source_ended,  // end of file, and all before it was passed on
        sink_closed,   // nobody takes the bytes any more
    };
    using OnEnd = std::function<void(End)>;

    /// How bytes are moved: `splice` needs a pipe on either side.
    enum class Method { splice, copy };

    /// When the sink counts as closed: already when its peer will send nothing (a connection that carries
    /// this direction only), or when it is gone altogether.
    enum class SinkEnd { half_closed, closed };

    /// Starts at once. Both descriptors are non-blocking; no other user of `loop` watches them. `on_end` is
    /// called once, from the loop; the pump may be destroyed in it.
    static Result<std::unique_ptr<Pump>> start(EventLoop& loop, FileDescriptor source, FileDescriptor sink,
                                               Method method, OnEnd on_end,
                                               SinkEnd sink_end = SinkEnd::half_closed);
    Pump(const Pump&) = delete;
    Pump& operator=(const Pump&) = delete;
    ~Pump();

    /// Whether nothing that was written to the source before this call is still on this side of the sink.
    bool idle() const;

    /// Calls `on_idle` whenever the pump has worked and is idle() then. The pump may be destroyed in it.
    void when_idle(std::function<void()> on_idle);

  private:
    enum class Waiting { source, sink };
    enum class Step { moved, source_empty, sink_full, blocked, ended, broken };

    Pump(EventLoop& loop, FileDescriptor source, FileDescriptor sink, Method method, OnEnd on_end,
         SinkEnd sink_end);
    Result<void> watch();
    void on_sink(std::uint32_t events);
    void run();
    Step step();
    Step step_splice();
    Step step_copy();
    void wait_for(Waiting side);
    void end(End how);

    EventLoop& loop_;
    FileDescriptor source_;
    FileDescriptor sink_;
    Method method_;
    OnEnd on_end_;
    std::uint32_t sink_end_events_;
    std::function<void()> on_idle_;
    std::vector<char> buffer_;  // with Method::copy: read and not yet written
    std::size_t buffer_begin_ = 0;
    Waiting waiting_ = Waiting::source;
    bool source_watched_ = false;
};

}  // namespace nacre::agent
