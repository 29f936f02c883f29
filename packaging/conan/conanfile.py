"""A Conan 2 recipe: `conan create packaging/conan` builds the checkout that it is in."""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.gnu import PkgConfigDeps
from conan.tools.layout import basic_layout
from conan.tools.meson import Meson, MesonToolchain

required_conan_version = ">=2.0"


class Corun(ConanFile):
    name = "corun"
    description = "Streams AI-agent runs over Server-Sent Events, with headers for MCP servers in each run"
    license = "MIT"
    topics = ("ai-agents", "mcp", "server-sent-events", "coroutines")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True}

    @property
    def checkout(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        build = load(self, os.path.join(self.checkout, "meson.build"))
        self.version = self.version or re.search(r"version: '([\d.]+)'", build).group(1)

    def export_sources(self):
        for pattern in ("meson.build", "meson_options.txt", "LICENSE", "include/*", "lib/*", "packaging/*"):
            copy(self, pattern, self.checkout, self.export_sources_folder)

    def configure(self):
        if self.options.shared:
            self.options.rm_safe("fPIC")

    def layout(self):
        basic_layout(self)

    def requirements(self):
        # Only Asio appears in corun's headers, and nlohmann_json in corun/json.hpp.
        self.requires("asio/[>=1.22]", transitive_headers=True)
        self.requires("nlohmann_json/[>=3.10 <4]", transitive_headers=True)
        self.requires("libcurl/[>=7.88 <9]")
        self.requires("simdjson/[>=3.0 <5]")

    def build_requirements(self):
        self.tool_requires("meson/[>=1.0 <2]")
        self.tool_requires("pkgconf/[>=2.0 <3]")

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("corun supports Linux only")
        if self.settings.compiler.get_safe("cppstd"):
            check_min_cppstd(self, 20)

    def generate(self):
        toolchain = MesonToolchain(self)
        for option in ("tests", "demos", "emulator", "gateway", "cli", "c"):
            toolchain.project_options[option] = "disabled"
        toolchain.generate()
        PkgConfigDeps(self).generate()

    def build(self):
        meson = Meson(self)
        meson.configure()
        meson.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        Meson(self).install()

    def package_info(self):
        self.cpp_info.libs = ["corun"]
        self.cpp_info.defines = ["ASIO_STANDALONE", "ASIO_DISABLE_STD_ALIGNED_ALLOC"]
        if self.settings.compiler == "clang":
            self.cpp_info.defines += ["ASIO_HAS_CO_AWAIT=1", "ASIO_HAS_STD_COROUTINE=1"]
        self.cpp_info.system_libs = ["pthread"]
        self.cpp_info.set_property("cmake_file_name", "corun")
        self.cpp_info.set_property("cmake_target_name", "corun::corun")
        self.cpp_info.set_property("pkg_config_name", "corun")
