//! Bangwo8's JSON. What is not a field here never enters the gateway: its responses contain passwords.

use rust_decimal::Decimal;
use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    domain::{Loaded, VendorNumber},
    upstream::wire::{FieldValues, HasId, Lenient, PrintedTime, Rows, lenient_objects},
};

// Lists

/// What a page of any list says of the whole list.
#[derive(Debug, Default)]
pub(super) struct Paging {
    pub count: Option<u64>,
    /// An address, which is never followed. Null says that the list ends here.
    pub next_page: Loaded<String>,
}

#[derive(Debug, Deserialize)]
#[serde(bound = "T: HasId")]
pub(super) struct Histories<T> {
    pub remoterecords: Rows<T>,
    #[serde(default)]
    pub count: Loaded<u64>,
    #[serde(default)]
    pub next_page: Loaded<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Supports {
    pub supports: Rows<Support>,
    #[serde(default)]
    pub count: Loaded<u64>,
    #[serde(default)]
    pub next_page: Loaded<String>,
}

/// The paging fields are next to the object with the messages.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRecords {
    pub remote_chatrecords: ChatContents,
    #[serde(default)]
    pub count: Loaded<u64>,
    #[serde(default)]
    pub next_page: Loaded<String>,
}

#[derive(Debug)]
pub(super) struct ChatContents {
    pub contents: Vec<Loaded<ChatMessage>>,
}

impl<'de> Deserialize<'de> for ChatContents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(deserializer)?.ok_or_else(|| D::Error::custom("no list of contents"))
    }
}

/// PHP encodes an object without fields as an empty list.
impl Lenient for ChatContents {
    fn read_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        #[derive(Deserialize)]
        struct Object {
            contents: Vec<Loaded<ChatMessage>>,
        }

        let Object { contents } = Object::deserialize(MapAccessDeserializer::new(object))?;
        Ok(Some(ChatContents { contents }))
    }

    fn read_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        if list.next_element::<IgnoredAny>()?.is_some() {
            IgnoredAny.visit_seq(list)?;
            return Ok(None);
        }
        Ok(Some(ChatContents {
            contents: Vec::new(),
        }))
    }
}

// Objects

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the vendor's names, as it spells them")]
pub(super) struct RemoteRecord {
    pub csId: Loaded<VendorNumber>,
    pub csBTime: Loaded<PrintedTime>,
    pub csETime: Loaded<PrintedTime>,
    pub csStat: Loaded<i32>,
    pub csServicerId: Loaded<VendorNumber>,
    pub uniqueNumber: Loaded<String>,
    pub csSId: Loaded<String>,
    pub csPrice: Loaded<Decimal>,
    pub payStat: Loaded<i32>,
    pub payDateTime: Loaded<PrintedTime>,
    pub companyName: Loaded<String>,
    pub contactor: Loaded<String>,
    pub contactMethod: Loaded<String>,
    pub ComputerName: Loaded<String>,
    pub ptId: Loaded<VendorNumber>,
    pub ptChildId: Loaded<VendorNumber>,
    pub ptThird: Loaded<VendorNumber>,
    pub note: Loaded<String>,
    pub ProblemSolution: Loaded<String>,
    pub commentScore: Loaded<i32>,
    pub comment: Loaded<String>,
    pub isFinish: Loaded<bool>,
    pub ChatRecord: Loaded<bool>,
    pub Remote: Loaded<bool>,
    pub TransferFile: Loaded<bool>,
    pub FileCount: Loaded<i32>,
    pub custom_fields: Loaded<Vec<CustomField>>,
}

/// The same record with the names of its problem types instead of their ids.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the vendor's names, as it spells them")]
pub(super) struct NamedRecord {
    pub csId: Loaded<VendorNumber>,
    pub csBTime: Loaded<PrintedTime>,
    pub ptId: Loaded<String>,
    pub ptChildId: Loaded<String>,
    pub ptThird: Loaded<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CustomField {
    pub key: Loaded<String>,
    pub value: Loaded<FieldValues>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChatMessage {
    pub spokesman: Loaded<String>,
    pub spokesman_identity: Loaded<i32>,
    pub msg: Loaded<String>,
    pub time: Loaded<PrintedTime>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the vendor's names, as it spells them")]
pub(super) struct Support {
    pub sId: Loaded<VendorNumber>,
    pub name: Loaded<String>,
    pub sNum: Loaded<String>,
    pub gnder: Loaded<i32>,
    pub email: Loaded<String>,
    pub fixnumber: Loaded<String>,
    pub mobile: Loaded<String>,
    pub isAdmin: Loaded<bool>,
    pub isStat: Loaded<i32>,
    pub groupId: Loaded<String>,
    pub createDT: Loaded<PrintedTime>,
    pub custom_fields: Loaded<Vec<CustomField>>,
}

/// It is under `data`, which is unwrapped before.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the vendor's names, as it spells them")]
pub(super) struct SummaryAnswer {
    pub serviceSummary: Loaded<Summary>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the vendor's names, as it spells them")]
pub(super) struct Summary {
    pub ticketTemplateName: Loaded<String>,
    pub custom_fields: Loaded<Vec<CustomField>>,
}

lenient_objects!(
    RemoteRecord,
    NamedRecord,
    CustomField,
    ChatMessage,
    Support,
    Summary
);

impl HasId for RemoteRecord {
    fn id(&self) -> Option<VendorNumber> {
        self.csId.value().copied()
    }
}

impl HasId for NamedRecord {
    fn id(&self) -> Option<VendorNumber> {
        self.csId.value().copied()
    }
}

impl HasId for Support {
    fn id(&self) -> Option<VendorNumber> {
        self.sId.value().copied()
    }
}

// Outcomes

/// How a response expresses success or failure, under any HTTP status.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Outcome {
    pub errcode: Loaded<String>,
    pub status: Loaded<String>,
    pub state: Loaded<String>,
}

// Login

pub(super) struct SignedIn {
    pub access_token: SecretString,
    pub expires_in_seconds: Option<u64>,
}

impl<'de> Deserialize<'de> for SignedIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Body {
            access_token: Loaded<String>,
            expires_in: Loaded<u64>,
        }

        let body = Body::deserialize(deserializer)?;
        let token = body.access_token.into_value();
        let token = token.ok_or_else(|| D::Error::custom("no token"))?;
        Ok(SignedIn {
            access_token: SecretString::from(token),
            expires_in_seconds: body.expires_in.into_value(),
        })
    }
}

/// A refusal of the credentials, which may come with the status of a success.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LoginError {
    pub error: Loaded<String>,
}
