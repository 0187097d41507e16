//! Bangwo8's data as it is when the sandbox starts.

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Span};
use serde_json::{Value, json};

use super::phrases::{
    COMMENTS_BAD, COMMENTS_GOOD, COMMENTS_MEDIUM, COMPANIES, FAMILY_NAMES, FAREWELL, FIRST_TYPES,
    FOLLOW_UPS, GIVEN_NAMES, GREETING, HOSTS, MODULES, SCENARIOS, SECOND_TYPES, SUMMARY_TEMPLATES,
    Scenario, Speaker, THIRD_TYPES,
};
use super::wire::BARE;
use crate::random::Random;
use crate::row::{Fields, Row, Table, fields_of, read_date_time};
use crate::traffic::traffic;

pub(super) const FIRST_AGENT_ID: i64 = 201;
const AGENTS: i64 = 40;
/// Records name this agent, supports.json does not list it any more.
const UNLISTED_AGENT_ID: i64 = 299;
const FIRST_RECORD_ID: i64 = 88_001;
const DAYS: i64 = 60;
/// The same for every record, as in the vendor's example: no key.
const SESSION: &str = "MjAxNy0wOC0xOCAxMDozMzowNQ==";
pub(super) const PUBLIC_ADDRESS: &str = "https://www.bangwo8.com";

/// All of Bangwo8's data.
pub(super) struct Data {
    pub(super) agents: Table,
    pub(super) records: Table,
    /// By record, oldest message first.
    pub(super) chats: BTreeMap<i64, Vec<Value>>,
    /// By record; one that is not here has no template.
    pub(super) summaries: BTreeMap<i64, Value>,
}

impl Data {
    pub(super) fn seeded(seed: u64, now: DateTime, count: usize) -> Self {
        let mut random = Random::new(seed ^ 0xb0_0b08);
        let agents = agents(&mut random);
        let mut data = Self {
            agents,
            records: Table::new(),
            chats: BTreeMap::new(),
            summaries: BTreeMap::new(),
        };
        let times = traffic(&mut random, now, DAYS, count);
        for (position, begun_at) in times.into_iter().enumerate() {
            let from_the_end = count - 1 - position;
            data.add_record(&mut random, position, from_the_end, begun_at, now);
        }
        data
    }

    fn add_record(
        &mut self,
        random: &mut Random,
        position: usize,
        from_the_end: usize,
        begun_at: DateTime,
        now: DateTime,
    ) {
        let id = FIRST_RECORD_ID + position as i64;
        let scenario = random.pick(&SCENARIOS);
        let details = Details::random(random, begun_at);
        let client_id = random.decimal(9);
        let status = match (from_the_end, position) {
            (0 | 2 | 6, _) => 2,
            (1 | 3 | 7, _) => 1,
            (4 | 9, _) => 3,
            (5 | 10, _) => 4,
            // An undocumented code.
            (_, 17) => 9,
            _ if random.percent(4) => 0,
            _ => 5,
        };
        let has_agent = status != 2;
        let agent_id = match random.percent(3) {
            true => UNLISTED_AGENT_ID,
            false => FIRST_AGENT_ID + random.below(AGENTS as usize) as i64,
        };
        let agent_name = match self.agents.get(&agent_id) {
            Some(agent) => agent.text("name").to_owned(),
            None => "已离职客服".to_owned(),
        };

        let wanted = match (status, random.weighted(&[12, 14, 45, 22, 6, 1])) {
            (0 | 2, _) | (_, 0) => 0,
            (_, 1) => random.between(1, 5),
            (_, 2) => random.between(6, 18),
            (_, 3) => random.between(19, 80),
            (_, 4) => random.between(81, 220),
            _ => 250,
        } as usize;
        let is_over = matches!(status, 0 | 5 | 9);
        let conversation = Conversation {
            scenario,
            details: &details,
            wanted,
            is_over,
            begun_at,
            agent_name: &agent_name,
            client_id: &client_id,
        };
        let messages = chat(random, &conversation, now);
        let last_at = messages
            .last()
            .and_then(|message| message["time"].as_str())
            .and_then(read_date_time);
        let ended_at = last_at
            .unwrap_or(begun_at)
            .max(begun_at.saturating_add(SignedDuration::from_secs(random.between(60, 3_000))))
            .min(now);

        let mut fields = record_defaults(id, begun_at);
        fields.extend(fields_of(json!({
            "csBTime": printed(random, begun_at),
            "csETime": if is_over { printed(random, ended_at) } else { String::new() },
            "csStat": status,
            "csServicerId": if has_agent { Value::from(agent_id) } else { Value::from(0) },
            "uniqueNumber": client_id,
            "companyName": random.pick(&COMPANIES),
            "contactor": full_name(random),
            "contactMethod": format!("13{}", random.decimal(9)),
            "ComputerName": if random.percent(80) { *random.pick(&HOSTS) } else { "" },
            "note": details.fill(scenario.note),
            "ProblemSolution": if is_over && random.percent(85) { details.fill(scenario.solution) } else { String::new() },
            "isFinish": i32::from(is_over && random.percent(85)),
            "ChatRecord": i32::from(!messages.is_empty()),
            "Remote": i32::from(has_agent && random.percent(80)),
        })));
        if random.percent(70) {
            fields.insert("csSId".into(), random.between(3_000, 3_400).into());
        }
        fields.extend(payment(random, status, ended_at));
        fields.extend(problem_types(random, scenario));
        fields.extend(rating(random, status));
        fields.extend(transfer(random));
        fields.insert("custom_fields".into(), custom_fields(random));

        if !messages.is_empty() {
            self.chats.insert(id, messages);
        }
        if let Some(summary) = summary(random, scenario, &details) {
            self.summaries.insert(id, summary);
        }
        self.records.insert(id, Row::new(fields, "csBTime"));
    }
}

/// The time as Bangwo8 prints it: padded or not, without a rule.
pub(super) fn printed(random: &mut Random, at: DateTime) -> String {
    match random.percent(65) {
        true => at.strftime("%Y-%-m-%-d %H:%M:%S").to_string(),
        false => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    }
}

fn full_name(random: &mut Random) -> String {
    format!(
        "{}{}",
        random.pick(&FAMILY_NAMES),
        random.pick(&GIVEN_NAMES)
    )
}

fn agents(random: &mut Random) -> Table {
    (0..AGENTS)
        .map(|position| {
            let id = FIRST_AGENT_ID + position;
            let family_name = FAMILY_NAMES[(position as usize * 5) % FAMILY_NAMES.len()];
            let given_name = GIVEN_NAMES[position as usize];
            let mut fields = agent_defaults(id, random);
            // Two agents have the same name: a chat identifies the agent by name only.
            let name = match position {
                6 | 31 => "张伟".to_owned(),
                _ => format!("{family_name}{given_name}"),
            };
            fields.insert("name".into(), name.into());
            fields.insert(
                "isAdmin".into(),
                if position == 0 { "1" } else { "0" }.into(),
            );
            fields.insert(
                "isStat".into(),
                if position == 38 { 0.into() } else { 1.into() },
            );
            (id, Row::new(fields, "createDT"))
        })
        .collect()
}

pub(super) fn agent_defaults(id: i64, random: &mut Random) -> Fields {
    let groups = match random.below(4) {
        0 => "11".to_owned(),
        1 => "11,12".to_owned(),
        2 => "12,14".to_owned(),
        _ => String::new(),
    };
    fields_of(json!({
        "sId": id,
        "url": format!("{PUBLIC_ADDRESS}/api/v1/supports/{id}.json"),
        "sPassportName": format!("agent{id}@desk.example"),
        "password": random.hexadecimal(16),
        "groupId": groups,
        "sNum": format!("{:04}", id - 200),
        "name": format!("客服{id}"),
        "gnder": if random.percent(50) { "1" } else { "2" },
        "email": if random.percent(75) { format!("agent{id}@desk.example") } else { String::new() },
        "fixnumber": if random.percent(30) { format!("010-6{}", random.decimal(7)) } else { String::new() },
        "mobile": format!("15{}", random.decimal(9)),
        "QQ": if random.percent(40) { random.decimal(9) } else { String::new() },
        "isAdmin": "0",
        "isStat": 1,
        "createDT": format!("2021-{}-{} 09:{:02}:00", 1 + id % 12, 1 + id % 28, id % 60),
        "custom_fields": [],
    }))
}

/// A record with every field of the page: completed, with an agent, without a chat.
pub(super) fn record_defaults(id: i64, at: DateTime) -> Fields {
    let at = at.strftime("%Y-%-m-%-d %H:%M:%S").to_string();
    fields_of(json!({
        "csId": id,
        "csIdS": SESSION,
        "csBTime": at,
        "csETime": at,
        "csStat": 5,
        "csServicerId": FIRST_AGENT_ID,
        "csServicerAgentId": 1,
        "uniqueNumber": "289789809",
        "csPrice": { BARE: "0.00" },
        "payStat": 0,
        "payDateTime": "",
        "companyName": COMPANIES[0],
        "contactor": "张三",
        "contactMethod": "13240130000",
        "ComputerName": "",
        "ptId": FIRST_TYPES[0].0,
        "ptChildId": SECOND_TYPES[0].0,
        "ptThird": THIRD_TYPES[0].0,
        "note": "",
        "ProblemSolution": "",
        "commentScore": 0,
        "comment": "",
        "isFinish": 0,
        "ChatRecord": 0,
        "Remote": 0,
        "TransferFile": 0,
        "FileCount": 0,
        "custom_fields": [],
        "contents": format!("{PUBLIC_ADDRESS}/api/v1/remoterecord/chatrecords/{id}.json"),
    }))
}

fn payment(random: &mut Random, status: i64, ended_at: DateTime) -> Fields {
    let is_charged = status == 5 && random.percent(40);
    let pay_status = match is_charged {
        true => [1, 0, 2, 3, 4][random.weighted(&[60, 12, 6, 6, 16])],
        false => 0,
    };
    let whole = if is_charged {
        random.between(2, 80) * 10
    } else {
        0
    };
    let amount = match is_charged && random.percent(15) {
        true => "234.00".to_owned(),
        false => format!(
            "{whole}.{:02}",
            if is_charged {
                random.between(0, 1) * 50
            } else {
                0
            }
        ),
    };
    let price = match random.percent(25) {
        true => json!(amount),
        false => json!({ BARE: amount }),
    };
    let paid_at = match pay_status {
        1 | 4 => printed(random, ended_at),
        _ => String::new(),
    };
    fields_of(json!({ "csPrice": price, "payStat": pay_status, "payDateTime": paid_at }))
}

/// Some records are classed by the first level or the first two alone; 0 is none.
fn problem_types(random: &mut Random, scenario: &Scenario) -> Fields {
    let second = THIRD_TYPES
        .iter()
        .find(|(id, ..)| *id == scenario.third_type)
        .map_or(0, |(_, _, second)| *second);
    let first = SECOND_TYPES
        .iter()
        .find(|(id, ..)| *id == second)
        .map_or(0, |(_, _, first)| *first);
    let (first, second, third) = match random.weighted(&[70, 14, 10, 6]) {
        0 => (first, second, scenario.third_type),
        1 => (first, second, 0),
        2 => (first, 0, 0),
        _ => (0, 0, 0),
    };
    fields_of(json!({ "ptId": first, "ptChildId": second, "ptThird": third }))
}

fn rating(random: &mut Random, status: i64) -> Fields {
    let score = match status {
        5 => [0, 5, 3, 1][random.weighted(&[35, 48, 10, 7])],
        _ => 0,
    };
    let comment = match score {
        5 => *random.pick(&COMMENTS_GOOD),
        3 => *random.pick(&COMMENTS_MEDIUM),
        1 => *random.pick(&COMMENTS_BAD),
        _ => "",
    };
    fields_of(json!({ "commentScore": score, "comment": comment }))
}

fn transfer(random: &mut Random) -> Fields {
    let files = if random.percent(20) {
        random.between(1, 6)
    } else {
        0
    };
    fields_of(json!({ "TransferFile": i32::from(files > 0), "FileCount": files }))
}

fn custom_fields(random: &mut Random) -> Value {
    match random.percent(60) {
        true => json!([
            { "key": "field_1", "value": random.decimal(4) },
            { "key": "field_3", "value": if random.percent(50) { "1" } else { "" } },
            { "key": "field_2", "value": random.pick(&["首次咨询", "重复咨询", "上门转远程"]) },
        ]),
        false => json!([]),
    }
}

/// None where no template is bound to the record.
fn summary(random: &mut Random, scenario: &Scenario, details: &Details) -> Option<Value> {
    match random.weighted(&[60, 22, 18]) {
        0 => Some(json!({
            "status": "200",
            "message": "Successful",
            "data": { "serviceSummary": {
                "ticketTemplateName": random.pick(&SUMMARY_TEMPLATES),
                "custom_fields": [
                    { "key": "field_1", "value": details.fill(scenario.solution) },
                    { "key": "field_3", "value": "1" },
                    { "key": "field_2", "value": random.pick(&["软件问题", "操作问题", "环境问题"]) },
                    { "key": "field_4", "value": attachments(random) },
                ],
            }},
        })),
        1 => Some(json!({ "status": "120002", "message": "No service summary information" })),
        _ => None,
    }
}

fn attachments(random: &mut Random) -> String {
    let count = random.below(3);
    let addresses: Vec<String> = (0..count)
        .map(|_| {
            format!(
                "https://files.bangwo8.example/{}.png",
                random.hexadecimal(12)
            )
        })
        .collect();
    addresses.join(",")
}

struct Conversation<'a> {
    scenario: &'a Scenario,
    details: &'a Details,
    /// How many messages at most.
    wanted: usize,
    is_over: bool,
    begun_at: DateTime,
    agent_name: &'a str,
    client_id: &'a str,
}

fn chat(random: &mut Random, conversation: &Conversation<'_>, now: DateTime) -> Vec<Value> {
    let wanted = conversation.wanted;
    let closing = match conversation.is_over && wanted > 0 {
        true => vec![(Speaker::Agent, FAREWELL)],
        false => Vec::new(),
    };
    let mut lines = vec![(Speaker::Agent, GREETING)];
    lines.extend_from_slice(conversation.scenario.lines);
    let first_follow_up = random.below(FOLLOW_UPS.len());
    for (question, answer) in FOLLOW_UPS.iter().cycle().skip(first_follow_up) {
        if lines.len() + closing.len() >= wanted {
            break;
        }
        lines.push((Speaker::User, question));
        lines.push((Speaker::Agent, answer));
    }
    lines.truncate(wanted.saturating_sub(closing.len()));
    lines.extend(closing);

    let mut at = conversation.begun_at;
    lines
        .into_iter()
        .map(|(speaker, text)| {
            // The identity comes as a string in one of the vendor's examples and as a number in the other.
            let (spokesman, identity) = match speaker {
                Speaker::Agent => (conversation.agent_name, json!(1)),
                Speaker::User => (conversation.client_id, json!("2")),
            };
            let message = json!({
                "spokesman": spokesman,
                "spokesman_identity": identity,
                "msg": conversation.details.fill(text),
                "time": printed(random, at),
            });
            at = at
                .saturating_add(SignedDuration::from_secs(random.between(0, 55)))
                .min(now);
            message
        })
        .collect()
}

/// What fills the gaps of a scenario's texts.
struct Details {
    invoice: String,
    module: &'static str,
    day: String,
    agent: String,
    code: String,
}

impl Details {
    fn random(random: &mut Random, at: DateTime) -> Self {
        let day = at.saturating_add(Span::new().days(random.between(1, 5)));
        Self {
            invoice: format!(
                "{}.{:02}",
                random.between(12, 98_000),
                random.between(0, 99)
            ),
            module: *random.pick(&MODULES),
            day: format!("{}月{}日", day.month(), day.day()),
            agent: format!("工号{}", random.between(1, 40)),
            code: format!("错误代码 {}", random.between(1_001, 9_999)),
        }
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{invoice}", &self.invoice)
            .replace("{module}", self.module)
            .replace("{day}", &self.day)
            .replace("{agent}", &self.agent)
            .replace("{code}", &self.code)
    }
}
