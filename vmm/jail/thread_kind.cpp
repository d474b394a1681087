#include "vmm/jail/thread_kind.h"

namespace nacre::jail {

std::string_view thread_kind_name(ThreadKind kind) {
    switch (kind) {
        case ThreadKind::vcpu:
            return "vcpu";
        case ThreadKind::event_loop:
            return "event_loop";
        case ThreadKind::file_server:
            return "file_server";
        case ThreadKind::block:
            return "block";
        case ThreadKind::network:
            return "network";
    }
    return "";
}

}  // namespace nacre::jail
