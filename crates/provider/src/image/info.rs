//! What `qemu-img info --output=json` says of one file.

use serde::Deserialize;

/// The part of the answer that decides anything.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ImageInfo {
    pub virtual_size: u64,
    pub backing_filename: Option<String>,
    pub backing_filename_format: Option<String>,
    #[serde(default)]
    pub encrypted: bool,
    #[serde(default)]
    pub format_specific: FormatSpecific,
}

#[derive(Debug, Default, Deserialize)]
pub struct FormatSpecific {
    #[serde(default)]
    pub data: SpecificData,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SpecificData {
    #[serde(default)]
    pub corrupt: bool,
    pub data_file: Option<String>,
    pub encrypt: Option<serde_json::Value>,
    #[serde(default)]
    pub extents: Vec<serde_json::Value>,
}

impl ImageInfo {
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    pub fn is_encrypted(&self) -> bool {
        self.encrypted || self.format_specific.data.encrypt.is_some()
    }
}

/// What `qemu-img measure --output=json` says.
#[derive(Debug, Deserialize)]
pub struct Measured {
    pub required: u64,
}

/// What `qemu-img check --output=json` says.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Checked {
    #[serde(default)]
    pub corruptions: u64,
    #[serde(default)]
    pub check_errors: u64,
}

impl Checked {
    /// All that speaks against the image.
    pub const fn found(&self) -> u64 {
        self.corruptions.saturating_add(self.check_errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_qemu_img_is_understood_and_what_is_new_in_it_passed_over() {
        let info = ImageInfo::parse(
            r#"{"virtual-size":1048576,"filename":"a.qcow2","cluster-size":65536,"format":"qcow2",
                "actual-size":200704,"full-backing-filename":"/x/b.raw","backing-filename":"b.raw",
                "backing-filename-format":"raw","dirty-flag":false,"new-thing":[1],
                "format-specific":{"type":"qcow2","data":{"compat":"1.1","corrupt":true,
                "compression-type":"zlib","lazy-refcounts":false,"refcount-bits":16}}}"#,
        )
        .unwrap();
        assert_eq!(info.virtual_size, 1 << 20);
        assert_eq!(info.backing_filename.as_deref(), Some("b.raw"));
        assert!(info.format_specific.data.corrupt && !info.is_encrypted());
    }

    #[test]
    fn a_locked_luks_image_is_encrypted() {
        let info = ImageInfo::parse(
            r#"{"virtual-size":1,"format":"qcow2","encrypted":true,"format-specific":
                {"type":"qcow2","data":{"encrypt":{"format":"luks"}}}}"#,
        );
        assert!(info.unwrap().is_encrypted());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "[]", "{\"virtual-size\":-1,\"format\":\"raw\"}", "null"] {
            assert!(ImageInfo::parse(text).is_err(), "{text}");
        }
    }
}
