//! Bangwo8's JSON. What is not a field here never enters the gateway: its answers hold passwords.

use rust_decimal::Decimal;
use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use crate::{
    domain::{Told, VendorNumber},
    upstream::wire::{FieldValues, HasId, Lenient, PrintedTime, Rows, lenient_objects},
};

// Lists

/// What a page of any list says of the whole list.
#[derive(Debug, Default)]
pub(super) struct Paging {
    pub count: Option<u64>,
    /// An address, which is never followed. Null says that the list ends here.
    pub next_page: Told<String>,
}

#[derive(Debug, Deserialize)]
#[serde(bound = "T: HasId")]
pub(super) struct Histories<T> {
    pub remoterecords: Rows<T>,
    #[serde(default)]
    pub count: Told<u64>,
    #[serde(default)]
    pub next_page: Told<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Supports {
    pub supports: Rows<Support>,
    #[serde(default)]
    pub count: Told<u64>,
    #[serde(default)]
    pub next_page: Told<String>,
}

/// The paging stands beside the object that holds the messages.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRecords {
    pub remote_chatrecords: ChatContents,
    #[serde(default)]
    pub count: Told<u64>,
    #[serde(default)]
    pub next_page: Told<String>,
}

#[derive(Debug)]
pub(super) struct ChatContents {
    pub contents: Vec<Told<ChatMessage>>,
}

impl<'de> Deserialize<'de> for ChatContents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(deserializer)?.ok_or_else(|| D::Error::custom("no list of contents"))
    }
}

/// An empty list in the place of the object is what PHP makes of an object without fields.
impl Lenient for ChatContents {
    fn read_object<'de, A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        #[derive(Deserialize)]
        struct Object {
            contents: Vec<Told<ChatMessage>>,
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
    pub csId: Told<VendorNumber>,
    pub csBTime: Told<PrintedTime>,
    pub csETime: Told<PrintedTime>,
    pub csStat: Told<i32>,
    pub csServicerId: Told<VendorNumber>,
    pub uniqueNumber: Told<String>,
    pub csSId: Told<String>,
    pub csPrice: Told<Decimal>,
    pub payStat: Told<i32>,
    pub payDateTime: Told<PrintedTime>,
    pub companyName: Told<String>,
    pub contactor: Told<String>,
    pub contactMethod: Told<String>,
    pub ComputerName: Told<String>,
    pub ptId: Told<VendorNumber>,
    pub ptChildId: Told<VendorNumber>,
    pub ptThird: Told<VendorNumber>,
    pub note: Told<String>,
    pub ProblemSolution: Told<String>,
    pub commentScore: Told<i32>,
    pub comment: Told<String>,
    pub isFinish: Told<bool>,
    pub ChatRecord: Told<bool>,
    pub Remote: Told<bool>,
    pub TransferFile: Told<bool>,
    pub FileCount: Told<i32>,
    pub custom_fields: Told<Vec<CustomField>>,
}

/// The same record with the names of its problem types in the place of their ids.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the vendor's names, as it spells them")]
pub(super) struct NamedRecord {
    pub csId: Told<VendorNumber>,
    pub csBTime: Told<PrintedTime>,
    pub ptId: Told<String>,
    pub ptChildId: Told<String>,
    pub ptThird: Told<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CustomField {
    pub key: Told<String>,
    pub value: Told<FieldValues>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChatMessage {
    pub spokesman: Told<String>,
    pub spokesman_identity: Told<i32>,
    pub msg: Told<String>,
    pub time: Told<PrintedTime>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the vendor's names, as it spells them")]
pub(super) struct Support {
    pub sId: Told<VendorNumber>,
    pub name: Told<String>,
    pub sNum: Told<String>,
    pub email: Told<String>,
    pub mobile: Told<String>,
    pub isAdmin: Told<bool>,
    pub isStat: Told<i32>,
    pub groupId: Told<String>,
    pub createDT: Told<PrintedTime>,
}

/// Stands under `data`, which is unwrapped before.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the vendor's names, as it spells them")]
pub(super) struct SummaryAnswer {
    pub serviceSummary: Told<Summary>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(non_snake_case, reason = "the vendor's names, as it spells them")]
pub(super) struct Summary {
    pub ticketTemplateName: Told<String>,
    pub custom_fields: Told<Vec<CustomField>>,
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

/// How an answer says, under any status of HTTP, whether the call did what it should.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Outcome {
    pub errcode: Told<String>,
    pub status: Told<String>,
    pub state: Told<String>,
}

// Signing in

pub(super) struct SignedIn {
    pub access_token: SecretString,
    pub expires_in_seconds: Option<u64>,
}

impl<'de> Deserialize<'de> for SignedIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Body {
            access_token: Told<String>,
            expires_in: Told<u64>,
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
pub(super) struct SignInRefusal {
    pub error: Told<String>,
}
