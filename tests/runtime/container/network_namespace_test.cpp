#include "runtime/container/network_namespace.h"

#include <doctest/doctest.h>

using namespace nacre;
using namespace nacre::runtime;

namespace {

oci::Spec with_network(const std::string& path) {
    oci::Spec spec;
    oci::Namespace network;
    network.type = oci::NamespaceType::network;
    network.path = path;
    spec.linux.namespaces = {network};
    return spec;
}

}  // namespace

TEST_CASE("the network of the host is what no namespace stands for, and not a new one") {
    CHECK(wants_host_network({}));
    CHECK_FALSE(wants_host_network(with_network("")));
    CHECK_FALSE(wants_host_network(with_network("/does/not/exist")));
}

TEST_CASE("the network of the host is refused to a sandbox, unless an annotation says to do without") {
    const oci::Spec host;
    const auto refused = check_host_network(host, true, nullptr);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("io.nacre.net.host=loopback") != std::string::npos);
    auto annotated = host;
    annotated.annotations["io.nacre.net.host"] = "loopback";
    CHECK(check_host_network(annotated, true, nullptr));
    CHECK(check_host_network(with_network(""), true, nullptr));
}

TEST_CASE("without a network namespace there is a warning") {
    std::string warning;
    const auto warn = [&](const std::string& text) { warning = text; };
    CHECK(check_host_network({}, false, warn));
    CHECK(warning.find("loopback interface only") != std::string::npos);
    warning.clear();
    CHECK(check_host_network(with_network(""), false, warn));
    CHECK(warning.empty());
}

TEST_CASE(
    "another value of the annotation is an error whatever the network, and shown without control "
    "characters") {
    auto spec = with_network("");
    spec.annotations["io.nacre.net.host"] = "eth0\n";
    const auto refused = check_host_network(spec, false, nullptr);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find('\n') == std::string::npos);
}
