//! The channels and conversations of FirstLine's customers.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::data::{Details, printed};
use super::phrases::{FAREWELL, FOLLOW_UPS, GREETING, SURVEY, Scenario, Speaker, TAKEN_OVER};
use crate::random::Random;
use crate::row::read_date_time;

/// The sender of a customer's messages in the vendor's sample, which says no more of it.
const VISITOR_SENDER_ID: i64 = 5;

/// Where a contact comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Livechat,
    Line,
    Facebook,
    Instagram,
    Phone,
    Mail,
    /// Classes that no page of the vendor names.
    OnlineConfig,
    Kiosk,
}

impl Channel {
    pub(super) fn random(random: &mut Random) -> Self {
        use Channel::*;
        let all = [
            Livechat,
            Line,
            Facebook,
            Instagram,
            Phone,
            Mail,
            OnlineConfig,
            Kiosk,
        ];
        all[random.weighted(&[58, 16, 6, 3, 8, 5, 2, 2])]
    }

    pub(super) fn provider_type(self) -> &'static str {
        match self {
            Channel::Livechat => "App\\LivechatContentProvider",
            Channel::Line => "App\\LineContentProvider",
            Channel::Facebook => "App\\FbContentProvider",
            Channel::Instagram => "App\\IgContentProvider",
            Channel::Phone => "App\\PhoneContentProvider",
            Channel::Mail => "App\\MailContentProvider",
            Channel::OnlineConfig => "App\\OnlineConfigProvider",
            Channel::Kiosk => "App\\KioskContentProvider",
        }
    }

    pub(super) fn has_messages(self) -> bool {
        matches!(
            self,
            Channel::Livechat | Channel::Line | Channel::Facebook | Channel::Instagram
        )
    }

    pub(super) fn provider(
        self,
        random: &mut Random,
        log_id: i64,
        contact_name: Option<String>,
        messages: Vec<Value>,
        details: &Details,
    ) -> Value {
        let id = log_id - 461;
        match self {
            Channel::Phone => json!({
                "id": id, "cid": random.hexadecimal(20), "number": format!("09{}", random.decimal(8)),
            }),
            Channel::Mail => json!({
                "id": id, "subject": format!("詢問訂單 {}", details.order()),
                "content": details.fill("您好，想請問訂單 {order} 的處理進度，謝謝。"),
                "from": format!("customer{}@mail.example", log_id % 97),
            }),
            Channel::OnlineConfig => {
                json!({ "id": id, "config": { "mode": "auto" }, "api_key": random.hexadecimal(24) })
            }
            Channel::Kiosk => json!({ "id": id, "kiosk_no": format!("K{:03}", log_id % 40) }),
            Channel::Livechat | Channel::Line | Channel::Facebook | Channel::Instagram => {
                let mut provider = json!({
                    "id": id,
                    "message": messages,
                    "media_contact_id": log_id - 400,
                    "media_contact": media_contact(random, log_id - 400, contact_name, self),
                });
                if self == Channel::Livechat {
                    provider["account"] = livechat_account(random);
                }
                provider
            }
        }
    }
}

fn media_contact(random: &mut Random, id: i64, name: Option<String>, channel: Channel) -> Value {
    let uuid = random.uuid();
    let slug = match channel {
        Channel::Line => "line",
        Channel::Facebook => "fb",
        Channel::Instagram => "ig",
        _ => "livechat",
    };
    json!({
        "id": id,
        "name": name.unwrap_or_else(|| uuid.clone()),
        "gender": null,
        "state": 1,
        "uuid": uuid,
        "token": random.hexadecimal(32),
        "is_visible": true,
        "channel": format!("{slug}.{}.{uuid}", random.hexadecimal(32)),
    })
}

fn livechat_account(random: &mut Random) -> Value {
    json!({
        "id": 2,
        "name": "官網線上客服",
        "description": null,
        "is_enabled": true,
        "welcome_message": GREETING,
        "widget_introduction": "週一至週日 09:00-21:00",
        "widget_settings": {
            "background_color": "#30336b", "position": "right", "offset_from_bottom": "20",
            "offset_from_right": 20, "offset_from_horizontal": "20",
        },
        "widget_title": "線上客服",
        "uris": ["https://shop.example"],
        "media_cluster_id": 4,
        "messenger_url": "https://firstline.localhost/livechat/messenger/2",
        "js_url": "https://firstline.localhost/livechat.abc.js?t=1618377580",
        "enable_livechat_direct_access": false,
        "enable_query_request_secret_verify": true,
        "query_request_secret": random.hexadecimal(32),
        "restrict_query_request_ips": null,
        "skills": [{ "id": 1, "name": "英文", "creater_id": 1 }],
        "skill_ids": [1],
    })
}

/// How far a conversation has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// No agent has answered yet.
    Waiting,
    Talking,
    Over,
}

/// One conversation, or the part of it that one log has.
pub(super) struct Conversation<'a> {
    pub(super) log_id: i64,
    /// Who speaks for the desk.
    pub(super) handler_id: Option<i64>,
    pub(super) scenario: &'a Scenario,
    pub(super) details: &'a Details,
    /// Whether another log has the earlier messages.
    pub(super) is_continued: bool,
    pub(super) stage: Stage,
    pub(super) queued_at: DateTime,
    pub(super) started_at: DateTime,
}

/// What was said, in the order of time: none to 250 messages.
pub(super) fn messages(
    random: &mut Random,
    conversation: &Conversation<'_>,
    now: DateTime,
) -> Vec<Value> {
    let wanted = match random.weighted(&[5, 10, 55, 24, 5, 1]) {
        0 => 0,
        1 => random.between(1, 5),
        2 => random.between(6, 16),
        3 => random.between(17, 60),
        4 => random.between(61, 180),
        _ => 250,
    } as usize;
    let lines = script(conversation, random.below(FOLLOW_UPS.len()), wanted);
    let mut at = conversation.queued_at;

    lines
        .into_iter()
        .take(wanted)
        .enumerate()
        .map(|(position, (speaker, text))| {
            if speaker == Speaker::Agent {
                at = at.max(conversation.started_at);
            }
            let message = json!({
                "id": conversation.log_id * 1_000 + position as i64,
                "type": "text",
                "content": conversation.details.fill(text),
                "is_contact": speaker == Speaker::Customer,
                "is_system": speaker == Speaker::System,
                "is_csat": text == SURVEY,
                "is_kb": false,
                "kb_id": null,
                "sender_id": match speaker {
                    Speaker::Agent => conversation.handler_id,
                    Speaker::Customer => Some(VISITOR_SENDER_ID),
                    Speaker::System => None,
                },
                "question": null,
                "at": printed(at),
            });
            at = at
                .saturating_add(SignedDuration::from_secs(random.between(0, 40)))
                .min(now);
            message
        })
        .collect()
}

fn script(
    conversation: &Conversation<'_>,
    first_follow_up: usize,
    wanted: usize,
) -> Vec<(Speaker, &'static str)> {
    let mut lines = match conversation.is_continued {
        true => vec![(Speaker::Agent, TAKEN_OVER)],
        false => vec![(Speaker::System, GREETING)],
    };
    if !conversation.is_continued {
        lines.extend_from_slice(conversation.scenario.lines);
    }
    if conversation.stage == Stage::Waiting {
        let unanswered = lines
            .iter()
            .position(|(speaker, _)| *speaker == Speaker::Agent);
        lines.truncate(unanswered.unwrap_or(lines.len()));
        return lines;
    }

    let closing = match conversation.stage {
        Stage::Over => vec![(Speaker::Agent, FAREWELL), (Speaker::System, SURVEY)],
        _ => Vec::new(),
    };
    for (question, answer) in FOLLOW_UPS.iter().cycle().skip(first_follow_up) {
        if lines.len() + closing.len() >= wanted {
            break;
        }
        lines.push((Speaker::Customer, question));
        lines.push((Speaker::Agent, answer));
    }
    lines.truncate(wanted.saturating_sub(closing.len()));
    lines.extend(closing);
    lines
}

pub(super) fn last_at(messages: &[Value]) -> Option<DateTime> {
    messages
        .last()
        .and_then(|message| message["at"].as_str())
        .and_then(read_date_time)
}
