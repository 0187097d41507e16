//! FirstLine's data as it is when the sandbox starts.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Span};
use serde_json::{Value, json};

use super::phrases::{
    CATEGORIES, DEPARTMENTS, FAMILY_NAMES, GIVEN_NAMES, GROUPS, JOB_TITLES, LATIN_NAMES, PRODUCTS,
    REASONS, SCENARIOS, SPONSORS, SUBCATEGORIES, Scenario, TERMINATION_CODES,
};
use super::talk::{self, Channel, Conversation, Stage};
use crate::random::Random;
use crate::row::{Fields, Row, Table, fields_of};
use crate::traffic::traffic;

const EMPLOYEES: i64 = 42;
/// These left the company: records still name them, the list lacks them.
const UNLISTED_EMPLOYEES: [i64; 2] = [41, 42];
const CONTACTS: i64 = 60;
const FIRST_RECORD_ID: i64 = 245_001;
const FIRST_TICKET_ID: i64 = 1_001;
const FIRST_LOG_ID: i64 = 522_001;
const DAYS: i64 = 60;

/// All of FirstLine's data.
pub(super) struct Data {
    pub(super) employees: Table,
    pub(super) contacts: Table,
    pub(super) sponsors: Table,
    pub(super) termination_codes: Table,
    pub(super) categories: Table,
    pub(super) subcategories: Table,
    pub(super) records: Table,
    pub(super) tickets: Table,
    /// A database gives no number twice, also after the last row has gone.
    pub(super) last_deleted_ticket: i64,
}

impl Data {
    pub(super) fn next_ticket(&self) -> i64 {
        let last = self.tickets.last_key_value().map_or(0, |(id, _)| *id);
        last.max(self.last_deleted_ticket) + 1
    }

    pub(super) fn seeded(seed: u64, now: DateTime, records: usize, tickets: usize) -> Self {
        let mut random = Random::new(seed ^ 0xf125_711e);
        let employees = employees(&mut random);
        let contacts = contacts(&mut random);
        let records = service_records(&mut random, now, records, &contacts);
        let tickets = seeded_tickets(&mut random, now, tickets, &records);

        Self {
            employees,
            contacts,
            sponsors: table(SPONSORS.iter().map(|(id, name, description)| {
                json!({
                    "id": id, "name": name, "description": description,
                    "is_immortal": *id == 1, "mail_channels": [],
                })
            })),
            termination_codes: table(TERMINATION_CODES.iter().map(|(id, name, status)| {
                json!({
                    "id": id, "name": name, "description": null, "status": status, "creater_id": 1,
                })
            })),
            categories: table(CATEGORIES.iter().map(
                |(id, name, description)| json!({ "id": id, "name": name, "description": description }),
            )),
            subcategories: table(SUBCATEGORIES.iter().map(|(id, name, category_id)| {
                json!({
                    "id": id, "name": name, "description": null, "category_id": category_id,
                })
            })),
            records,
            tickets,
            last_deleted_ticket: 0,
        }
    }
}

/// The time as FirstLine prints it.
pub(super) fn printed(at: DateTime) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn table(rows: impl Iterator<Item = Value>) -> Table {
    rows.map(|row| {
        let fields = fields_of(row);
        let id = fields.get("id").and_then(Value::as_i64).unwrap_or_default();
        (id, Row::new(fields, "created_at"))
    })
    .collect()
}

fn employees(random: &mut Random) -> Table {
    table((1..=EMPLOYEES).map(|id| {
        let position = (id - 1) as usize;
        let first_name = LATIN_NAMES[position % LATIN_NAMES.len()];
        let family_name = FAMILY_NAMES[(position * 7) % FAMILY_NAMES.len()];
        let given_name = GIVEN_NAMES[position % GIVEN_NAMES.len()];
        let mut fields = employee_defaults(id, random);
        fields.insert("name".into(), format!("{family_name}{given_name}").into());
        fields.insert("first_name".into(), family_name.into());
        fields.insert("last_name".into(), given_name.into());
        fields.insert("employee_no".into(), format!("{first_name}{id:02}").into());
        fields.insert("listed".into(), (!UNLISTED_EMPLOYEES.contains(&id)).into());
        fields.insert("is_active".into(), (id % 13 != 0).into());
        Value::Object(fields)
    }))
}

/// An employee with every field of all three shapes.
pub(super) fn employee_defaults(id: i64, random: &mut Random) -> Fields {
    let (group_id, group_name) = GROUPS[(id as usize) % GROUPS.len()];
    let has_extension = id % 5 != 0;
    let (title_id, title) = JOB_TITLES[random.below(JOB_TITLES.len())];
    let (department_id, department, abbreviation) = DEPARTMENTS[random.below(DEPARTMENTS.len())];
    let has_title = id % 4 != 0;
    let has_department = id % 3 == 0;
    let extension = format!("{}", 8_000 + id);

    fields_of(json!({
        "id": id,
        "name": format!("AG {extension}"),
        "first_name": "AG",
        "last_name": extension,
        "employee_no": format!("ag{extension}"),
        "photo_url": (id % 3 != 0).then(|| format!("/employee/{id}/photo")),
        "identity_no": (id % 6 == 0).then(|| format!("A1{}", random.decimal(8))),
        "job_title_id": if has_title { title_id } else { -1 },
        "job_title": has_title.then(|| json!({
            "id": title_id, "abbrev": null, "name": title, "description": null,
        })),
        "department_id": if has_department { department_id } else { -1 },
        "department": has_department.then(|| json!({
            "id": department_id, "name": department, "abbrev": abbreviation,
            "number": format!("D{department_id:03}"), "description": null,
        })),
        "extension_id": if has_extension { id + 20 } else { -1 },
        "extension": has_extension.then(|| json!({
            "id": id + 20, "type": 3, "extension": extension,
            "webrtc_password": random.decimal(12), "description": null, "media_cluster_id": null,
        })),
        "profile_id": 2_195_000 + id,
        "profile": { "id": 2_195_000 + id, "phones": [] },
        "group_id": group_id,
        "group": { "id": group_id, "name": group_name, "description": null, "supervisor_id": group_id },
        "cti_agent_account": has_extension.then(|| format!("ag{extension}")),
        "cti_agent": has_extension.then(|| json!({
            "id": id + 5, "account": format!("ag{extension}"), "group_id": null,
        })),
        "cti_agent_id": has_extension.then_some(id + 5),
        "is_active": true,
        "role": if id <= 5 { "supervisor" } else { "" },
        "email": (id % 2 == 0).then(|| format!("agent{id:02}@callcenter.example")),
        "is_immortal": id == 1,
        "listed": true,
        "created_at": format!("2019-04-{:02} 06:13:43", 1 + id % 28),
        "updated_at": format!("2025-11-{:02} 10:28:04", 1 + id % 28),
    }))
}

fn contacts(random: &mut Random) -> Table {
    table((1..=CONTACTS).map(|id| {
        let first_name = *random.pick(&FAMILY_NAMES);
        let last_name = *random.pick(&GIVEN_NAMES);
        let mut fields = contact_defaults(id, random);
        fields.insert("name".into(), format!("{first_name} {last_name}").into());
        fields.insert("first_name".into(), first_name.into());
        fields.insert("last_name".into(), last_name.into());
        Value::Object(fields)
    }))
}

pub(super) fn contact_defaults(id: i64, random: &mut Random) -> Fields {
    let birth_at = format!(
        "{}-{:02}-{:02}",
        random.between(1955, 2004),
        random.between(1, 12),
        random.between(1, 28)
    );
    fields_of(json!({
        "id": id,
        "name": "測 試",
        "first_name": "測",
        "last_name": "試",
        "membership_no": random.percent(60).then(|| format!("M{}", random.decimal(7))),
        "identity_no": random.percent(40).then(|| format!("B2{}", random.decimal(8))),
        "gender": random.percent(80).then(|| random.between(0, 1)),
        "birth_at": random.percent(70).then_some(birth_at),
        "profile_id": 3_000 + id,
        "sponsor_id": random.percent(80).then(|| random.between(1, 4)),
        "disturb_setting": random.percent(8).then(|| json!({
            "id": id, "type": ["phone"], "no_disturb_start_at": "21:00:00",
            "no_disturb_end_at": "09:00:00", "reason": "客戶要求夜間勿擾",
        })),
    }))
}

fn service_records(random: &mut Random, now: DateTime, count: usize, contacts: &Table) -> Table {
    let mut next_log_id = FIRST_LOG_ID;
    let times = traffic(random, now, DAYS, count);
    times
        .into_iter()
        .enumerate()
        .map(|(position, queued_at)| {
            let id = FIRST_RECORD_ID + position as i64;
            let from_the_end = count - 1 - position;
            let progress = match from_the_end {
                0 | 2 | 5 => Progress::Waiting,
                1 | 3 | 4 | 7 => Progress::InService,
                6 | 8 | 9 | 11 => Progress::WrapUp,
                _ if random.percent(2) => Progress::WrapUp,
                _ => Progress::Completed,
            };
            let fields = service_record(
                random,
                id,
                queued_at,
                now,
                progress,
                contacts,
                &mut next_log_id,
            );
            (id, Row::new(fields, "created_at"))
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Progress {
    Waiting,
    InService,
    WrapUp,
    Completed,
}

fn service_record(
    random: &mut Random,
    id: i64,
    queued_at: DateTime,
    now: DateTime,
    progress: Progress,
    contacts: &Table,
    next_log_id: &mut i64,
) -> Fields {
    let scenario = random.pick(&SCENARIOS);
    let details = Details::random(random, queued_at);
    let after = |from: DateTime, seconds: i64| {
        from.saturating_add(SignedDuration::from_secs(seconds))
            .min(now)
    };
    let is_started = progress != Progress::Waiting;
    let started_at = after(queued_at, random.between(5, 240));
    let mut ended_at = after(started_at, random.between(90, 2_400));
    let handler_id = is_started.then(|| match random.percent(3) {
        true => *random.pick(&UNLISTED_EMPLOYEES),
        false => random.between(1, 40),
    });
    let contact_id = random.percent(75).then(|| random.between(1, CONTACTS));

    let logs = match (progress, random.below(100)) {
        (Progress::Waiting, chance) if chance < 50 => Vec::new(),
        (_, chance) => {
            let legs = if chance < 12 && is_started {
                2 + chance % 2
            } else {
                1
            };
            let mut logs = Vec::new();
            let mut leg_starts_at = queued_at;
            for leg in 0..legs {
                let channel = Channel::random(random);
                let talk_starts_at = if leg == 0 { started_at } else { leg_starts_at };
                let messages = match channel.has_messages() {
                    true => talk::messages(
                        random,
                        &Conversation {
                            log_id: *next_log_id,
                            handler_id,
                            scenario,
                            details: &details,
                            is_continued: leg > 0,
                            stage: match progress {
                                Progress::Waiting => Stage::Waiting,
                                Progress::InService => Stage::Talking,
                                _ if leg + 1 < legs => Stage::Talking,
                                _ => Stage::Over,
                            },
                            queued_at: leg_starts_at,
                            started_at: talk_starts_at,
                        },
                        now,
                    ),
                    false => Vec::new(),
                };
                let last_at = talk::last_at(&messages)
                    .unwrap_or_else(|| ended_at.max(after(talk_starts_at, 150)))
                    .max(talk_starts_at);
                ended_at = ended_at.max(last_at);
                // In the samples, a log may name another record than the one it is in.
                let named_record = if random.percent(2) { id - 4 } else { id };
                let contact_name = contact_id
                    .and_then(|id| contacts.get(&id))
                    .map(|contact| contact.text("name").to_owned());
                logs.push(json!({
                    "id": *next_log_id,
                    "enter_queue_at": printed(leg_starts_at),
                    "service_start_at": is_started.then(|| printed(talk_starts_at)),
                    "service_end_at": (progress > Progress::InService || leg + 1 < legs).then(|| printed(last_at)),
                    "service_time": (progress > Progress::InService && random.percent(60))
                        .then(|| (last_at.duration_since(talk_starts_at)).as_secs().max(0)),
                    "status": if is_started { 1 } else { 0 },
                    "bound_type": 1,
                    "provider_type": channel.provider_type(),
                    "provider": channel.provider(random, *next_log_id, contact_name, messages, &details),
                    "interact_collection_id": named_record,
                    "can_listen": channel == Channel::Phone || random.percent(50),
                }));
                *next_log_id += 1;
                leg_starts_at = after(last_at, 20);
            }
            logs
        }
    };

    let finished_at = (progress > Progress::InService).then_some(ended_at);
    let acw_at =
        (progress == Progress::Completed).then(|| after(ended_at, random.between(20, 600)));
    // In the vendor's own sample a record was created long after its contact entered the queue.
    let created_at = match random.percent(6) {
        true => after(queued_at, random.between(60, 7_200)),
        false => queued_at,
    };
    fields_of(json!({
        "id": id,
        "is_acw_completed": acw_at.is_some(),
        "first_enter_queue_at": printed(queued_at),
        "first_start_service_at": is_started.then(|| printed(started_at)),
        "acw_at": acw_at.map(printed),
        "last_finished_at": finished_at.map(printed),
        "handler_id": handler_id,
        "contact_id": contact_id,
        "memo": (progress > Progress::InService && random.percent(70)).then(|| details.fill(scenario.memo)),
        "bound_type": if random.percent(92) { 1 } else { 2 },
        "logs": logs,
        "sponsor_id": random.percent(70).then(|| random.between(1, 4)),
        "result_id": (progress == Progress::Completed && random.percent(70)).then(|| random.between(1, 4)),
        "reason_ids": if id % 4 == 0 { vec![1 + id % REASONS.len() as i64] } else { Vec::new() },
        "cz_cols": [],
        "created_at": printed(created_at),
        "updated_at": printed(acw_at.or(finished_at).unwrap_or(created_at)),
    }))
}

/// A record with every field that a response may need; it is in progress and has no logs.
pub(super) fn record_defaults(id: i64, now: DateTime) -> Fields {
    fields_of(json!({
        "id": id,
        "is_acw_completed": false,
        "first_enter_queue_at": printed(now),
        "first_start_service_at": printed(now),
        "acw_at": null,
        "last_finished_at": null,
        "handler_id": 1,
        "contact_id": null,
        "memo": null,
        "bound_type": 1,
        "logs": [],
        "sponsor_id": null,
        "result_id": null,
        "reason_ids": [],
        "cz_cols": [],
        "created_at": printed(now),
        "updated_at": printed(now),
    }))
}

fn seeded_tickets(random: &mut Random, now: DateTime, count: usize, records: &Table) -> Table {
    let record_ids: Vec<i64> = records.keys().copied().collect();
    traffic(random, now, DAYS, count)
        .into_iter()
        .enumerate()
        .map(|(position, created_at)| {
            let id = FIRST_TICKET_ID + position as i64;
            let fields = seeded_ticket(random, id, position, created_at, now, &record_ids, records);
            (id, Row::new(fields, "created_at"))
        })
        .collect()
}

fn seeded_ticket(
    random: &mut Random,
    id: i64,
    position: usize,
    created_at: DateTime,
    now: DateTime,
    record_ids: &[i64],
    records: &Table,
) -> Fields {
    let scenario: &Scenario = random.pick(&SCENARIOS);
    let details = Details::random(random, created_at);
    let age_days = now.duration_since(created_at).as_hours() / 24;
    // Every status and priority occurs however few tickets are configured; otherwise old tickets are mostly done.
    let status = match position {
        0..16 => position % 4,
        _ if age_days > 14 => random.weighted(&[2, 5, 30, 63]),
        _ => random.weighted(&[30, 35, 25, 10]),
    };
    let priority = match position {
        0..16 => position / 4,
        _ => random.weighted(&[35, 40, 18, 7]),
    };
    let due_at = match random.weighted(&[30, 25, 45]) {
        0 => None,
        1 => Some(now.saturating_add(SignedDuration::from_mins(random.between(30, 2_880)))),
        _ => Some(created_at.saturating_add(SignedDuration::from_hours(random.between(8, 240)))),
    };
    let codes: Vec<i64> = TERMINATION_CODES
        .iter()
        // Sometimes the code belongs to another status than the ticket's.
        .filter(|(_, _, code_status)| *code_status == status as i64 || random.percent(4))
        .map(|(id, _, _)| *id)
        .collect();
    let sub_category_id = match random.weighted(&[88, 8, 4]) {
        0 => Some(scenario.subcategory_id),
        1 => None,
        _ => Some(24),
    };
    let mut linked: Vec<i64> = match record_ids.is_empty() {
        true => Vec::new(),
        false => (0..random.weighted(&[25, 55, 15, 5]))
            .map(|_| *random.pick(record_ids))
            .collect(),
    };
    linked.sort_unstable();
    linked.dedup();
    let contact_id = linked
        .first()
        .and_then(|record_id| records.get(record_id))
        .and_then(|record| record.number("contact_id"))
        .or_else(|| random.percent(60).then(|| random.between(1, CONTACTS)));
    let updated_at = created_at
        .saturating_add(SignedDuration::from_mins(random.between(0, 4_320)))
        .min(now);

    fields_of(json!({
        "id": id,
        "subject": details.fill(scenario.subject),
        "content": details.fill(scenario.content),
        "due_at": due_at.map(printed),
        "status": status,
        "status_memo": random.percent(50).then(|| details.fill(scenario.status_memo)),
        "priority": priority,
        "contact_id": contact_id,
        "sub_category_id": sub_category_id,
        "creater_id": random.between(1, 40),
        "handler_id": random.percent(85).then(|| random.between(1, 40)),
        "interact_collection_ids": linked,
        "sponsor_id": random.percent(80).then(|| random.between(1, 4)),
        "termination_code_id": (!codes.is_empty() && random.percent(65)).then(|| *random.pick(&codes)),
        "created_at": printed(created_at),
        "updated_at": printed(updated_at),
    }))
}

/// A ticket with every field that a response may need.
pub(super) fn ticket_defaults(id: i64, now: DateTime) -> Fields {
    fields_of(json!({
        "id": id,
        "subject": "標題",
        "content": "內容",
        "due_at": null,
        "status": 0,
        "status_memo": null,
        "priority": 0,
        "contact_id": null,
        "sub_category_id": null,
        "creater_id": 1,
        "handler_id": null,
        "interact_collection_ids": [],
        "sponsor_id": null,
        "termination_code_id": null,
        "created_at": printed(now),
        "updated_at": printed(now),
    }))
}

/// What fills the gaps of a scenario's texts.
pub(super) struct Details {
    order: String,
    product: &'static str,
    amount: String,
    day: String,
    agent: String,
}

impl Details {
    fn random(random: &mut Random, at: DateTime) -> Self {
        let day = at.saturating_add(Span::new().days(random.between(1, 6)));
        Self {
            order: format!("TW{}", random.decimal(9)),
            product: *random.pick(&PRODUCTS),
            amount: (random.between(3, 320) * 10 + 9).to_string(),
            day: format!("{}/{}", day.month(), day.day()),
            agent: format!(
                "{}{}",
                random.pick(&FAMILY_NAMES),
                random.pick(&GIVEN_NAMES)
            ),
        }
    }

    pub(super) fn order(&self) -> &str {
        &self.order
    }

    pub(super) fn fill(&self, text: &str) -> String {
        text.replace("{order}", &self.order)
            .replace("{product}", self.product)
            .replace("{amount}", &self.amount)
            .replace("{day}", &self.day)
            .replace("{agent}", &self.agent)
    }
}
