#pragma once

#include "tests/hostile-guest/agent.h"

/// The attacks, each by the name that the test gives the guest. README.md of the folder above lists them.
namespace hostile {

// registers.cpp
void attack_registers();
void attack_queue_setup();
void attack_moving_rings();

// rings.cpp
void attack_rings();
void attack_changing_rings();

// storms.cpp
void attack_with_doorbells();
void attack_console();
void attack_serial_port();
void attack_log();
void attack_endlessly();

// memory.cpp
void attack_memory();

// packets.cpp
void attack_with_packets();
void attack_own_connections();

// requests.cpp
void attack_file_server();
void attack_disk();
void attack_interface();

// paths.cpp
void attack_paths();
void attack_by_race();

// hoards.cpp
void attack_by_hoarding();

// frames.cpp
/// Answers a frame of the host's as the scenario wants it wrong; false: it does not want that for this frame.
bool answer_wrongly(const char* frame, agent::Connection& connection);

}  // namespace hostile
