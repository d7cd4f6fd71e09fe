//! What libvirt's domain capabilities say that guests can be given. Pure.

use crate::xml::Element;
use diecast_domain::provider::FirmwareFacts;

/// Reads `<domainCapabilities>` of the Q35 machine type, which has every firmware that is installed.
pub fn firmware(capabilities: &Element) -> FirmwareFacts {
    let values = |path: &str, name: &str| -> Vec<String> {
        let enums = capabilities.all(path);
        let found = enums.iter().filter(|e| e.get("name") == Some(name));
        found.flat_map(|e| e.all("value")).map(|value| value.text.trim().to_owned()).collect()
    };
    let kinds = values("os/enum", "firmware");
    let secure = values("os/loader/enum", "secure");
    let uefi = kinds.iter().any(|kind| kind == "efi");
    FirmwareFacts {
        // SeaBIOS is part of QEMU itself, whether listed or not.
        bios: true,
        uefi,
        secure_boot: uefi && secure.iter().any(|value| value == "yes"),
    }
}

/// The named CPU models that a guest can be given here.
pub fn cpu_models(capabilities: &Element) -> Vec<String> {
    let modes = capabilities.all("cpu/mode");
    let custom = modes.iter().filter(|mode| mode.get("name") == Some("custom"));
    let models = custom.flat_map(|mode| mode.all("model"));
    let usable = models.filter(|model| model.get("usable") != Some("no"));
    usable.map(|model| model.text.trim().to_owned()).collect()
}

/// The program that runs guests.
pub fn emulator(capabilities: &Element) -> Option<&str> {
    capabilities.text_at("path")
}

/// As whom guests run, of the capabilities of the host: user and group, by number.
pub fn qemu_user(host: &Element) -> Option<(u32, u32)> {
    let models = host.all("host/secmodel");
    let dac = models.iter().find(|model| model.text_at("model") == Some("dac"))?;
    let (user, group) = dac.text_at("baselabel")?.split_once(':')?;
    let number = |text: &str| text.trim().trim_start_matches('+').parse().ok();
    number(user).zip(number(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "<domainCapabilities><path>/usr/bin/qemu-system-x86_64</path>
        <os supported='yes'><enum name='firmware'><value>efi</value></enum>
          <loader supported='yes'><enum name='type'><value>rom</value></enum>
            <enum name='secure'><value>yes</value><value>no</value></enum></loader></os>
        <cpu><mode name='custom' supported='yes'><model usable='yes'>qemu64</model>
          <model usable='no'>EPYC</model><model usable='unknown'>Haswell</model></mode>
          <mode name='host-model'><model>Skylake</model></mode></cpu></domainCapabilities>";

    #[test]
    fn firmware_models_and_emulator_are_found() {
        let tree = Element::parse(TEXT).unwrap();
        let expected = FirmwareFacts { bios: true, uefi: true, secure_boot: true };
        assert_eq!(firmware(&tree), expected);
        assert_eq!(cpu_models(&tree), ["qemu64", "Haswell"]);
        assert_eq!(emulator(&tree), Some("/usr/bin/qemu-system-x86_64"));
    }

    #[test]
    fn guests_run_as_whom_the_owner_of_files_says() {
        let host = |label: &str| {
            let text = format!(
                "<capabilities><host><secmodel><model>apparmor</model><doi>0</doi></secmodel>
                 <secmodel><model>dac</model><doi>0</doi>{label}</secmodel></host></capabilities>"
            );
            qemu_user(&Element::parse(&text).unwrap())
        };
        assert_eq!(host("<baselabel type='kvm'>+64055:+109</baselabel>"), Some((64055, 109)));
        assert_eq!(host("<baselabel type='kvm'>0:0</baselabel>"), Some((0, 0)));
        for strange in ["", "<baselabel>qemu:qemu</baselabel>", "<baselabel>7</baselabel>"] {
            assert_eq!(host(strange), None, "{strange}");
        }
    }

    #[test]
    fn secure_boot_needs_uefi() {
        let tree = Element::parse(&TEXT.replace("<value>efi</value>", "")).unwrap();
        assert!(!firmware(&tree).uefi && !firmware(&tree).secure_boot);
    }
}
