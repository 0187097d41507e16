//! The vendor's refusals of writes.

use super::{VENDOR, wire};
use crate::{error::FieldFault, upstream::wire::FieldValues};

/// The only refusal that the vendor documents, and only by its words.
pub(in crate::upstream::firstline) fn is_wrap_up_lock(refusal: &wire::ErrorBody) -> bool {
    refusal
        .message
        .value()
        .is_some_and(|message| message.to_ascii_lowercase().contains("already been acwed"))
}

/// What the vendor finds wrong with the fields of a write, by the names that the input gives them. What it says of the whole,
/// or of a field that the input does not have, is not passed on: it is about names that no caller knows.
pub(in crate::upstream::firstline) fn field_faults(refusal: wire::ErrorBody) -> Vec<FieldFault> {
    const MOST_FAULTS: usize = 50;
    const LONGEST_MESSAGE: usize = 500;

    let mut faults: Vec<FieldFault> = Vec::new();
    let errors = refusal.errors.into_value().unwrap_or_default();
    for (name, messages) in errors.0 {
        let Some(field) = input_field(&name) else {
            continue;
        };
        let FieldValues(messages) = messages.into_value().unwrap_or(FieldValues(Vec::new()));
        faults.extend(messages.iter().map(|message| {
            let message = with_field_named(message.clone(), &name, field);
            FieldFault {
                field: Some(field),
                message: message.chars().take(LONGEST_MESSAGE).collect(),
            }
        }));
    }
    if faults.is_empty() {
        faults.push(FieldFault {
            field: None,
            message: format!("{VENDOR} does not accept the values"),
        });
    }
    faults.truncate(MOST_FAULTS);
    faults
}

/// The message with the input's name of the field instead of the vendor's, which it spells with blanks: "The selected sub
/// category id is invalid."
fn with_field_named(mut message: String, theirs: &str, ours: &str) -> String {
    let (first, _) = theirs.split_once('.').unwrap_or((theirs, ""));
    for name in [theirs, first] {
        for spelling in [name.to_owned(), name.replace('_', " ")] {
            message = replaced_in_any_case(&message, &spelling.to_ascii_lowercase(), ours);
        }
    }
    message
}

fn replaced_in_any_case(text: &str, lowercase: &str, replacement: &str) -> String {
    // In ASCII no letter changes its length, so that the offsets are the same in both.
    let haystack = text.to_ascii_lowercase();
    let mut replaced = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, found) in haystack.match_indices(lowercase) {
        replaced.push_str(&text[copied..at]);
        replaced.push_str(replacement);
        copied = at + found.len();
    }
    replaced.push_str(&text[copied..]);
    replaced
}

fn input_field(name: &str) -> Option<&'static str> {
    let (name, _) = name.split_once('.').unwrap_or((name, ""));
    Some(match name {
        "subject" => "subject",
        "content" => "content",
        "status" => "status",
        "status_memo" => "statusMemo",
        "priority" => "priority",
        "due_at" => "dueAt",
        "handler_id" => "handlerId",
        "contact_id" => "contactId",
        "sponsor_id" => "sponsorId",
        "sub_category_id" | "category_id" => "categoryId",
        "termination_code_id" | "termination_code" => "terminationCodeId",
        "memo" => "memo",
        "cz_cols" => "customFields",
        _ => return None,
    })
}
