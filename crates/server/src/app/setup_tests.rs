//! Stories of what may be said of a host's setup, and what may not.
#![allow(clippy::unwrap_used)]

use super::*;

fn user_data(text: &str) -> SetupBody {
    SetupBody { user_data: Some(text.to_owned()), ..SetupBody::default() }
}

fn sysprep(text: &str) -> SetupBody {
    SetupBody {
        preparation: Some("sysprep".to_owned()),
        unattend: Some(text.to_owned()),
        ..SetupBody::default()
    }
}

fn cause(asked: &SetupBody) -> String {
    parse(asked).expect_err("it is refused").problem.cause
}

#[test]
fn what_is_left_out_has_its_default_and_reads_back() {
    let setup = parse(&SetupBody::default()).unwrap();
    assert_eq!(setup, HostSetup::default());
    assert_eq!(parse(&body(&setup)).unwrap(), setup);
    let full = SetupBody {
        data_disk_bytes: Some(10 << 30),
        ready_when: Some("address".to_owned()),
        ..sysprep(r#"<unattend xmlns="urn:schemas-microsoft-com:unattend"/>"#)
    };
    let setup = parse(&full).unwrap();
    assert_eq!(parse(&body(&setup)).unwrap(), setup);
}

#[test]
fn user_data_must_be_something_that_cloud_init_reads() {
    let good = [
        "#cloud-config\nusers:\n  - name: ana\n",
        "#cloud-config\n",
        "#cloud-config\r\npackages: [vim]\r\n",
        "#!/bin/sh\nfoo: [bar\n",
        "#include https://example.org/x",
        "#cloud-config-archive\n- type: text/cloud-config\n",
        "## template: jinja\n#cloud-config\na: {{ b }}\n",
        "Content-Type: multipart/mixed; boundary=x\n\n",
        "content-type: MULTIPART/mixed; boundary=x\n\n",
    ];
    for text in good {
        parse(&user_data(text)).unwrap_or_else(|refused| panic!("{text}: {}", refused.problem.cause));
    }
    let bad = [
        ("", "does not know"),
        ("users: []", "does not know"),
        ("#cloud-konfig\na: 1", "does not know"),
        ("#cloud-configuration\na: 1", "does not know"),
        ("#cloud-config\na: [1, 2", "YAML"),
        ("#cloud-config\na: 1\n b: 2", "YAML"),
        ("#cloud-config\n- a\n", "keys with values"),
        ("#cloud-config\njust text\n", "keys with values"),
        ("#cloud-config-archive\na: 1\n", "a list"),
    ];
    for (text, expected) in bad {
        let cause = cause(&user_data(text));
        assert!(cause.contains(expected), "{text}: {cause}");
    }
}

#[test]
fn a_small_text_that_would_grow_without_end_costs_nothing() {
    let mut text = "#cloud-config\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        let row = vec![format!("*a{before}"); 9].join(", ");
        text += &format!("a{level}: &a{level} [{row}]\n");
    }
    parse(&user_data(&text)).unwrap();
    let deep = format!("#cloud-config\na: {}", "[".repeat(200_000));
    assert!(parse(&user_data(&deep)).is_err());
}

#[test]
fn an_answer_file_must_be_one_and_refer_to_nothing_outside() {
    let root = |inside: &str| {
        format!(
            r#"<?xml version="1.0" encoding="utf-8"?><unattend xmlns="urn:schemas-microsoft-com:unattend">{inside}</unattend>"#
        )
    };
    let good = [
        root(
            r#"<settings pass="specialize"><component><ComputerName>{name}</ComputerName></component></settings>"#,
        ),
        root("&amp;&#65;<!-- a comment -->"),
        format!("\u{feff}{}", root("")),
        r#"<u:unattend xmlns:u="urn:schemas-microsoft-com:unattend"/>"#.to_owned(),
    ];
    for text in &good {
        parse(&sysprep(text)).unwrap_or_else(|refused| panic!("{text}: {}", refused.problem.cause));
    }
    let bad = [
        ("".to_owned(), "root must be"),
        ("hello".to_owned(), "outside its root"),
        ("<unattend/>".to_owned(), "root must be"),
        (root("<a>"), "not well-formed"),
        (root("</b>"), "not well-formed"),
        (root("<a b=1/>"), "not well-formed"),
        (root(r#"<a b="1" b="2"/>"#), "not well-formed"),
        (root("<x:a/>"), "not well-formed"),
        (root("&secret;"), "entity"),
        (root(r#"<a b="&secret;"/>"#), "not well-formed"),
        (root("") + "<more/>", "root must be"),
        (root("") + "text", "outside its root"),
        (r#"<unattend xmlns="urn:schemas-microsoft-com:unattend">"#.to_owned(), "ends within"),
        (r#"<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>"#.to_owned() + &root(""), "document type"),
        (root("").replace("utf-8", "utf-16"), "utf-16"),
        (root(&("<a>".repeat(100) + &"</a>".repeat(100))), "nested"),
    ];
    for (text, expected) in &bad {
        let cause = cause(&sysprep(text));
        assert!(cause.contains(expected), "{text}: {cause}");
    }
}

#[test]
fn what_does_not_go_together_is_refused_in_one_sentence() {
    let body = |change: fn(&mut SetupBody)| {
        let mut body = SetupBody::default();
        change(&mut body);
        body
    };
    let bad = [
        (body(|it| it.preparation = Some("magic".into())), "`preparation` is `magic`"),
        (body(|it| it.ready_when = Some("soon".into())), "`ready_when` is `soon`"),
        (body(|it| it.unattend = Some("<a/>".into())), "goes only with the preparation `sysprep`"),
        (body(|it| it.preparation = Some("sysprep".into())), "needs `unattend`"),
        (
            body(|it| {
                it.preparation = Some("none".into());
                it.user_data = Some("#!".into());
            }),
            "goes only with the preparation `cloud-init`",
        ),
        (body(|it| it.data_disk_bytes = Some(0)), "`data_disk_bytes` is 0"),
        (body(|it| it.data_disk_bytes = Some((1 << 20) + 1)), "a multiple of 512"),
        (body(|it| it.data_disk_bytes = Some(u64::MAX)), "64.0 TiB"),
        (user_data(&format!("#!{}", "x".repeat(TEXT_BYTES_MAX))), "it may have 64.0 KiB"),
    ];
    for (asked, expected) in &bad {
        let cause = cause(asked);
        assert!(cause.contains(expected), "{cause}");
    }
}

#[test]
fn what_a_change_leaves_out_stays() {
    let before = parse(&SetupBody { data_disk_bytes: Some(1 << 30), ..user_data("#!/bin/sh\n") }).unwrap();
    let change = SetupBody { ready_when: Some("running".to_owned()), ..SetupBody::default() };
    let after = merged(&before, &change).unwrap();
    assert_eq!(after, HostSetup { ready_when: ReadyWhen::Running, ..before.clone() });
    let none =
        SetupBody { data_disk_bytes: Some(0), preparation: Some("none".to_owned()), ..SetupBody::default() };
    let after = merged(&after, &none).unwrap();
    assert_eq!((after.data_disk, after.preparation), (None, Preparation::None));
}
