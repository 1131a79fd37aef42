//! Which program has written a file, and what the file says of itself above the messages.

use super::clock::Order;
use super::{irc, line, whatsapp};

/// A program, or a family of programs that write alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum App {
    /// LINE on a telephone: columns with tabs between them.
    Line,
    /// LINE on a desktop: with blanks.
    LineDesktop,
    /// `WhatsApp`.
    WhatsApp,
    /// Clients of IRC.
    Irc,
    /// A channel of an export of Slack.
    Slack,
    /// `DiscordChatExporter`.
    Discord,
    /// Telegram Desktop.
    Telegram,
}

impl App {
    /// Its name in `meta`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Line | Self::LineDesktop => "line",
            Self::WhatsApp => "whatsapp",
            Self::Irc => "irc",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Telegram => "telegram",
        }
    }

    /// Does it write JSON? Else lines.
    #[must_use]
    pub fn is_json(self) -> bool {
        matches!(self, Self::Slack | Self::Discord | Self::Telegram)
    }
}

/// What a file says above its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Who has written it.
    pub app: App,
    /// What the chat is called.
    pub title: Option<String>,
    pub(super) order: Order,
}

/// Characters of a title.
const TITLE_MAX: usize = 200;

impl Header {
    /// Reads the beginning of a file; a character may be cut at its end.
    #[must_use]
    pub fn new(app: App, head: &[u8]) -> Self {
        let head = String::from_utf8_lossy(head);
        let title = match app {
            App::Line | App::LineDesktop => line::title(&head),
            App::Discord => object(&head, "channel").and_then(|channel| member(channel, "name")),
            // Of many chats in one file each has a name of its own, and none is that of the file.
            App::Telegram if !head.contains("\"chats\"") => before(&head, "\"messages\"").and_then(|head| member(head, "name")),
            App::WhatsApp | App::Irc | App::Slack | App::Telegram => None,
        };
        let order = if app == App::WhatsApp { whatsapp::order(&head) } else { Order::default() };
        Self { app, title: title.map(|title| title.chars().take(TITLE_MAX).collect()), order }
    }
}

fn before<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.split_once(word).map(|(before, _)| before)
}

/// What follows the beginning of an object that is a member.
fn object<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\""))?;
    rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('{')
}

/// The string that is the next member of a name.
fn member(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\""))?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    serde_json::Deserializer::from_str(value).into_iter::<String>().next()?.ok().filter(|title| !title.is_empty())
}

/// Bytes of the beginning that are looked at.
const HEAD: usize = 1024;

/// Which program has written a file that begins like this, if it is a log of a chat. The first kibibyte counts, however much is given.
#[must_use]
pub fn detect(head: &[u8]) -> Option<App> {
    let head = head.get(..HEAD).unwrap_or(head);
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    match head.trim_ascii_start().first()? {
        b'{' | b'[' if is_slack(head) => Some(App::Slack),
        b'{' if is_discord(head) => Some(App::Discord),
        b'{' if is_telegram(head) => Some(App::Telegram),
        b'{' => None,
        _ if line::is_log(head) => Some(if line::has_tabs(head) { App::Line } else { App::LineDesktop }),
        _ if whatsapp::is_log(head) => Some(App::WhatsApp),
        _ => irc::is_log(head).then_some(App::Irc),
    }
}

fn has(head: &[u8], words: &[&str]) -> bool {
    words.iter().all(|word| memchr::memmem::find(head, word.as_bytes()).is_some())
}

/// Is there a member of that name whose value begins like this?
fn has_member(head: &[u8], name: &str, value: impl Fn(&[u8]) -> bool) -> bool {
    let name = format!("\"{name}\"");
    memchr::memmem::find_iter(head, name.as_bytes()).any(|at| {
        let rest = head.get(at + name.len()..).unwrap_or_default().trim_ascii_start();
        rest.strip_prefix(b":").is_some_and(|rest| value(rest.trim_ascii_start()))
    })
}

/// A list of messages with moments as Slack writes them (`"1704121200.000100"`), or its name for a message of its clients.
fn is_slack(head: &[u8]) -> bool {
    let list = head.trim_ascii_start().strip_prefix(b"[").unwrap_or_default();
    let is_moment = |value: &[u8]| {
        let digits = value.strip_prefix(b"\"").unwrap_or_default();
        let seconds = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let behind = digits.get(seconds..).unwrap_or_default();
        seconds == 10 && behind.first() == Some(&b'.') && behind.get(1..7).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit))
    };
    let is_id = |value: &[u8]| {
        let id = value.strip_prefix(b"\"").unwrap_or_default();
        matches!(id.first(), Some(b'U' | b'W'))
            && id.get(1..8).is_some_and(|rest| rest.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()))
    };
    list.trim_ascii_start().starts_with(b"{")
        && has_member(list, "type", |value| value.starts_with(b"\"message\""))
        && (has_member(list, "ts", is_moment) || has(list, &["\"client_msg_id\""]) || has_member(list, "user", is_id))
}

/// A channel of a guild, before its messages.
fn is_discord(head: &[u8]) -> bool {
    let is_object = |value: &[u8]| value.starts_with(b"{");
    let has_either = ["\"categoryId\"", "\"exportedAt\"", "\"messages\""].iter().any(|word| has(head, &[word]));
    has_member(head, "guild", is_object) && has_member(head, "channel", is_object) && has_either
}

/// One chat with its kind, or many.
fn is_telegram(head: &[u8]) -> bool {
    const KINDS: [&str; 8] = [
        "\"personal_chat\"",
        "\"bot_chat\"",
        "\"private_group\"",
        "\"private_supergroup\"",
        "\"public_supergroup\"",
        "\"private_channel\"",
        "\"public_channel\"",
        "\"saved_messages\"",
    ];
    has_member(head, "type", |value| KINDS.iter().any(|kind| value.starts_with(kind.as_bytes()))) && has(head, &["\"messages\""])
}
