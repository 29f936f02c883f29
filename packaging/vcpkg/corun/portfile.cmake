# An overlay port: builds the checkout that it is in.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

# On Linux, a program's debug build can be linked with the library's release build.
set(VCPKG_BUILD_TYPE release)
# RESTinio's port needs another HTTP parser than corun's emulator.
vcpkg_configure_meson(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS -Dtests=disabled -Ddemos=disabled -Demulator=disabled -Dgateway=disabled -Dcli=disabled -Dc=disabled)
vcpkg_install_meson()
vcpkg_fixup_pkgconfig()

# vcpkg keeps package configs in share/.
file(MAKE_DIRECTORY "${CURRENT_PACKAGES_DIR}/share")
file(RENAME "${CURRENT_PACKAGES_DIR}/lib/cmake/corun" "${CURRENT_PACKAGES_DIR}/share/corun")
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/lib/cmake")
vcpkg_replace_string("${CURRENT_PACKAGES_DIR}/share/corun/corunConfig.cmake"
    "/../.." "/../../lib")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/corun")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
