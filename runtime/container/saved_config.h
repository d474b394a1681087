#pragma once

#include <string>

#include "runtime/oci/spec.h"
#include "runtime/state/store.h"

namespace nacre::runtime {

/// Keeps the configuration that the container was created from with its state: the bundle may change or go.
Result<void> save_config(const ContainerDirectory& directory, const std::string& text);

/// The configuration saved by save_config().
Result<std::string> load_saved_config_text(const ContainerDirectory& directory);
Result<oci::Spec> load_saved_config(const ContainerDirectory& directory);

}  // namespace nacre::runtime
