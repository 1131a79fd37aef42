//! Any text as a log of a chat: of each program that writes lines, as messages of those that write JSON, and the whole way from a file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::chat::{App, Header, Speakers, day_of, detect, log, mark, messages};

#[path = "../read.rs"]
mod read;

fuzz_target!(|text: &str| {
    detect(text.as_bytes());
    for app in [App::Line, App::LineDesktop, App::WhatsApp, App::Irc] {
        let header = Header::new(app, text.as_bytes());
        text.lines().for_each(|line| drop(mark(&header, line.as_bytes())));
        for speakers in [Speakers::Names, Speakers::Labels, Speakers::Meta] {
            log(text, &header, speakers);
        }
    }
    for app in [App::Slack, App::Discord, App::Telegram] {
        day_of(app, text);
        messages(text.lines(), &Header::new(app, text.as_bytes()), Speakers::Labels, |_, _| {});
    }
    read::any("a.txt", "[LINE] 甲とのトーク履歴\n\n2024/01/02(火)\n09:05\t甲\t乙\n".as_bytes(), text.as_bytes());
    read::any("a.json", b"[{\"type\":\"message\",\"ts\":\"1704121200.000100\",\"user\":\"U0000001\",\"text\":\"a\"},", text.as_bytes());
});
