//! The channels that customers use, and the desk's accounts in them.

use super::{VENDOR, wire};
use crate::domain::{ChannelAccount, ChannelAccountId, Loaded, ServiceChannel};

/// The account that a log names, or else the only one that the record names in the log's channel, which is taken to be it.
pub(super) fn account_of(
    log: &wire::Log,
    of_record: &Loaded<Vec<wire::Account>>,
) -> Loaded<ChannelAccount> {
    let provider = log.provider.value();
    let account = |account: &wire::Account| {
        let class = log.provider_type.value().map_or("", String::as_str);
        Some(ChannelAccount {
            id: ChannelAccountId {
                vendor: VENDOR,
                channel: account_channel(class),
                number: *account.id.value()?,
            },
            name: account.name.value().cloned(),
        })
    };
    let named = provider.and_then(|provider| {
        let accounts = [
            &provider.account,
            &provider.line_account,
            &provider.fb_account,
            &provider.ig_account,
        ];
        accounts.into_iter().find(|account| account.is_loaded())
    });
    match named {
        Some(Loaded::Loaded(named)) => Loaded::Loaded(named.as_ref().and_then(account)),
        _ => match of_record {
            Loaded::NotLoaded if channel_of(log) == ServiceChannel::Phone => Loaded::none(),
            Loaded::NotLoaded => Loaded::NotLoaded,
            Loaded::Loaded(accounts) => Loaded::Loaded(match accounts.as_deref() {
                Some([only]) => account(only),
                _ => None,
            }),
        },
    }
}

/// The channel as the id of an account has it: the words of the class without those that all classes have.
fn account_channel(class: &str) -> String {
    let mut words = camel_case_words(simple_name(class));
    words.retain(|word| word != "content" && word != "provider");
    words.join("")
}

/// The channel is a word of the class name: `App\LivechatContentProvider`. Names of other channels are documented nowhere,
/// so what has no such word stays unknown.
pub(super) fn channel_of(log: &wire::Log) -> ServiceChannel {
    let Some(class) = log.provider_type.value() else {
        return ServiceChannel::Unknown;
    };
    let words = camel_case_words(simple_name(class));

    let single = words.iter().cloned();
    // `WhatsApp` and `WeChat` are one name and two words.
    let pairs = words.windows(2).map(|pair| pair.concat()).filter(|pair| {
        matches!(
            pair.as_str(),
            "livechat" | "facebook" | "whatsapp" | "wechat"
        )
    });
    single
        .chain(pairs)
        .find_map(|word| channel_by_word(&word))
        .unwrap_or(ServiceChannel::Unknown)
}

fn channel_by_word(word: &str) -> Option<ServiceChannel> {
    Some(match word {
        "livechat" => ServiceChannel::Livechat,
        "line" => ServiceChannel::Line,
        "fb" | "facebook" => ServiceChannel::Facebook,
        "ig" | "instagram" => ServiceChannel::Instagram,
        "whatsapp" => ServiceChannel::Whatsapp,
        "telegram" => ServiceChannel::Telegram,
        "viber" => ServiceChannel::Viber,
        "wechat" => ServiceChannel::Wechat,
        "mail" | "email" => ServiceChannel::Email,
        "sms" => ServiceChannel::Sms,
        "phone" | "call" | "voice" => ServiceChannel::Phone,
        _ => return None,
    })
}

/// The words of a class name in lower case: `SMSContentProvider` is `sms`, `content`, `provider`.
fn camel_case_words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();

    for (index, letter) in letters.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|before| letters.get(before));
        let next = letters.get(index + 1);
        let begins_a_word = letter.is_uppercase()
            && previous.is_some_and(|previous| {
                !previous.is_uppercase() || next.is_some_and(|next| next.is_lowercase())
            });
        if begins_a_word || !letter.is_alphabetic() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphabetic() {
            word.extend(letter.to_lowercase());
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// A class name without its namespace.
fn simple_name(class: &str) -> &str {
    class.rsplit('\\').next().unwrap_or(class)
}
