//! Categories, of two levels in two lists.

use std::sync::Arc;

use super::{VENDOR, detail_of_copy, identified, wire};
use crate::{
    domain::{Category, CategoryId, Detail, Loaded, VendorNumber},
    upstream::wire::Identified,
};

const CATEGORY_LEVEL: u8 = 1;
pub(in crate::upstream::firstline) const SUBCATEGORY_LEVEL: u8 = 2;

/// The tree of both lists: each category with the children that it names, and the subcategories that name their parent.
/// Neither list has to hold all of the other, and a subcategory may have no parent.
pub(in crate::upstream::firstline) fn category_tree(
    categories: Vec<Identified<wire::Category>>,
    subcategories: Vec<Identified<wire::Subcategory>>,
) -> Vec<Arc<Category>> {
    let mut tree = Tree::default();

    let mut children = Vec::new();
    for mut wire in categories {
        let own_children = std::mem::take(&mut wire.object.children);
        let parent = tree.parent(top_category(wire));
        for child in own_children.into_value().unwrap_or_default() {
            children.extend(identified(child).map(|child| (parent.clone(), child)));
        }
    }
    for mut wire in subcategories {
        let parent = std::mem::take(&mut wire.object.category).into_value();
        let parent = match parent.and_then(|parent| identified(*parent)) {
            Some(parent) => Some(tree.parent(top_category(parent))),
            None => wire
                .object
                .category_id
                .value()
                .and_then(|id| tree.known_parent(*id))
                .or_else(|| {
                    let (parent, _) = children.iter().find(|(_, child)| child.id == wire.id)?;
                    Some(parent.clone())
                }),
        };
        tree.child(subcategory(wire, parent));
    }
    for (parent, child) in children {
        tree.child(subcategory(child, Some(parent)));
    }

    tree.parents.append(&mut tree.children);
    tree.parents
}

/// Categories by level, each once.
#[derive(Default)]
struct Tree {
    parents: Vec<Arc<Category>>,
    children: Vec<Arc<Category>>,
}

impl Tree {
    fn parent(&mut self, category: Category) -> Arc<Category> {
        self.known_parent(category.id.number).unwrap_or_else(|| {
            let category = Arc::new(category);
            self.parents.push(category.clone());
            category
        })
    }

    fn known_parent(&self, number: VendorNumber) -> Option<Arc<Category>> {
        let mut known = self.parents.iter();
        known.find(|known| known.id.number == number).cloned()
    }

    fn child(&mut self, category: Category) {
        if self.children.iter().all(|known| known.id != category.id) {
            self.children.push(Arc::new(category));
        }
    }
}

fn top_category(wire: Identified<wire::Category>) -> Category {
    Category {
        id: category_id(CATEGORY_LEVEL, wire.id),
        detail: Detail::Full,
        name: wire.object.name.into_value(),
        description: wire.object.description.into_value(),
        parent: None,
    }
}

fn subcategory(wire: Identified<wire::Subcategory>, parent: Option<Arc<Category>>) -> Category {
    Category {
        id: category_id(SUBCATEGORY_LEVEL, wire.id),
        detail: Detail::Full,
        name: wire.object.name.into_value(),
        description: wire.object.description.into_value(),
        parent,
    }
}

/// A ticket has its category twice: in the subcategory, and beside it. Either may be null.
pub(super) fn ticket_category(
    sub_category_id: Loaded<VendorNumber>,
    sub_category: Loaded<wire::Subcategory>,
    category_id_beside: Loaded<VendorNumber>,
    category: Loaded<wire::Category>,
) -> Option<Arc<Category>> {
    let beside = category_copy(category).or_else(|| {
        let id = category_id_beside.into_value()?;
        Some(category_reference(CATEGORY_LEVEL, id, None))
    });

    let Some(mut sub) = sub_category.into_value().and_then(identified) else {
        let id = sub_category_id.into_value();
        return match id {
            Some(id) => Some(category_reference(SUBCATEGORY_LEVEL, id, beside)),
            None => beside,
        };
    };

    let own_parent = std::mem::take(&mut sub.object.category);
    let parent = category_copy(own_parent.map(|parent| *parent)).or(match sub.object.category_id {
        Loaded::NotLoaded => beside,
        Loaded::Loaded(None) => None,
        Loaded::Loaded(Some(id)) => beside
            .filter(|beside| beside.id.number == id)
            .or_else(|| Some(category_reference(CATEGORY_LEVEL, id, None))),
    });
    let detail = detail_of_copy([
        sub.object.name.is_loaded(),
        sub.object.description.is_loaded(),
    ]);
    Some(Arc::new(Category {
        detail,
        ..subcategory(sub, parent)
    }))
}

/// The category of a result. The vendor does not say of which level its number is: it is taken to be of the top one.
pub(super) fn result_category(
    id: Loaded<VendorNumber>,
    category: Loaded<wire::Category>,
) -> Option<Arc<Category>> {
    category_copy(category)
        .or_else(|| Some(category_reference(CATEGORY_LEVEL, id.into_value()?, None)))
}

fn category_copy(category: Loaded<wire::Category>) -> Option<Arc<Category>> {
    let category = identified(category.into_value()?)?;
    let fields = [
        category.object.name.is_loaded(),
        category.object.description.is_loaded(),
    ];
    Some(Arc::new(Category {
        detail: detail_of_copy(fields),
        ..top_category(category)
    }))
}

fn category_reference(
    level: u8,
    number: VendorNumber,
    parent: Option<Arc<Category>>,
) -> Arc<Category> {
    Arc::new(Category {
        id: category_id(level, number),
        detail: Detail::Reference,
        name: None,
        description: None,
        parent,
    })
}

fn category_id(level: u8, number: VendorNumber) -> CategoryId {
    CategoryId {
        vendor: VENDOR,
        level,
        number,
    }
}
