//! What FirstLine's people and customers are called and say, in the Chinese of Taiwan.

/// One kind of request, from the first question to the memo. `{order}`, `{product}`, `{amount}`, `{day}`, `{agent}` and
/// `{customer}` are filled in.
pub(super) struct Scenario {
    pub(super) subcategory_id: i64,
    pub(super) subject: &'static str,
    pub(super) content: &'static str,
    pub(super) status_memo: &'static str,
    pub(super) memo: &'static str,
    pub(super) lines: &'static [(Speaker, &'static str)],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Customer,
    Agent,
    System,
}

use Speaker::{Agent, Customer, System};

/// id, name, description.
pub(super) const CATEGORIES: [(i64, &str, Option<&str>); 8] = [
    (1, "訂單與配送", Some("下單、出貨與物流相關問題")),
    (2, "退換貨與退款", None),
    (3, "帳號與登入", Some("會員帳號、密碼與驗證碼")),
    (4, "付款與發票", None),
    (5, "商品諮詢", Some("規格、庫存與使用方式")),
    (6, "維修與保固", None),
    (7, "會員與點數", Some("會員等級、點數與優惠券")),
    (8, "系統與網站", None),
];

/// id, name, category. One belongs to no category any more.
pub(super) const SUBCATEGORIES: [(i64, &str, Option<i64>); 24] = [
    (21, "配送延遲", Some(1)),
    (22, "修改訂單", Some(1)),
    (23, "地址錯誤", Some(1)),
    (24, "測試子分類", None),
    (25, "退款進度", Some(2)),
    (26, "商品瑕疵", Some(2)),
    (27, "七日鑑賞期", Some(2)),
    (28, "忘記密碼", Some(3)),
    (29, "收不到驗證碼", Some(3)),
    (30, "帳號停用", Some(3)),
    (31, "信用卡刷卡失敗", Some(4)),
    (32, "電子發票", Some(4)),
    (33, "重複扣款", Some(4)),
    (34, "規格詢問", Some(5)),
    (35, "到貨通知", Some(5)),
    (36, "報修預約", Some(6)),
    (37, "保固查詢", Some(6)),
    (38, "維修進度", Some(6)),
    (39, "點數未入帳", Some(7)),
    (40, "優惠券使用", Some(7)),
    (41, "會員等級", Some(7)),
    (42, "網站錯誤", Some(8)),
    (43, "App 閃退", Some(8)),
    (44, "功能建議", Some(8)),
];

/// id, name, the ticket status it belongs to.
pub(super) const TERMINATION_CODES: [(i64, &str, i64); 10] = [
    (1, "尚未知曉", 0),
    (2, "等候分派", 0),
    (3, "待客戶補資料", 0),
    (4, "內部討論中", 1),
    (5, "廠商處理中", 1),
    (6, "等候客戶回覆", 1),
    (7, "已說明", 2),
    (8, "已完成退款", 2),
    (9, "客戶放棄", 3),
    (10, "重複案件", 3),
];

/// id, name, description.
pub(super) const SPONSORS: [(i64, &str, Option<&str>); 4] = [
    (1, "default", None),
    (2, "好日子購物", Some("綜合電商客服委外")),
    (3, "晨光家電", Some("家電售後服務專線")),
    (4, "綠野旅遊", None),
];

/// id, name.
pub(super) const GROUPS: [(i64, &str); 5] = [
    (1, "客服小組"),
    (2, "電商專線"),
    (3, "家電售後組"),
    (4, "夜間輪值組"),
    (5, "VIP 專屬組"),
];

pub(super) const JOB_TITLES: [(i64, &str); 4] = [
    (21, "客服專員"),
    (22, "資深客服專員"),
    (23, "客服組長"),
    (24, "品質督導"),
];

pub(super) const DEPARTMENTS: [(i64, &str, &str); 3] = [
    (1, "客戶服務部", "CS"),
    (2, "售後服務部", "AS"),
    (3, "營運管理部", "OM"),
];

/// id, name, description.
/// With the number of a category.
pub(super) const RESULTS: [(i64, &str, Option<&str>, Option<i64>); 4] = [
    (1, "已解決", None, None),
    (2, "轉工單處理", Some("需後續追蹤"), Some(1)),
    (3, "客戶中途離線", None, None),
    (4, "轉介其他單位", None, Some(2)),
];

pub(super) const REASONS: [(i64, &str, Option<&str>); 3] = [
    (1, "詢問訂單進度", None),
    (2, "退換貨", Some("七天鑑賞期內")),
    (3, "產品使用問題", None),
];

pub(super) const FAMILY_NAMES: [&str; 20] = [
    "陳", "林", "黃", "張", "李", "王", "吳", "劉", "蔡", "楊", "許", "鄭", "謝", "郭", "洪", "曾",
    "邱", "廖", "賴", "周",
];

pub(super) const GIVEN_NAMES: [&str; 40] = [
    "怡君", "雅婷", "家豪", "志明", "淑芬", "建宏", "詩涵", "冠宇", "佩珊", "俊傑", "雅雯", "宗翰",
    "美玲", "承恩", "欣怡", "柏翰", "佳穎", "彥廷", "筱涵", "信宏", "惠雯", "子軒", "思妤", "明哲",
    "婉婷", "國華", "心怡", "文彬", "靜宜", "育誠", "品妤", "士豪", "曉薇", "哲瑋", "玉婷", "嘉偉",
    "宜蓁", "振宇", "雨潔", "昱廷",
];

/// The latin account names, one for each of the given names.
pub(super) const LATIN_NAMES: [&str; 40] = [
    "yijun", "yating", "jiahao", "zhiming", "shufen", "jianhong", "shihan", "guanyu", "peishan",
    "junjie", "yawen", "zonghan", "meiling", "chengen", "xinyi", "bohan", "jiaying", "yanting",
    "xiaohan", "xinhong", "huiwen", "zixuan", "siyu", "mingzhe", "wanting", "guohua", "hsinyi",
    "wenbin", "jingyi", "yucheng", "pinyu", "shihao", "xiaowei", "zhewei", "yuting", "jiawei",
    "yizhen", "zhenyu", "yujie", "yuting2",
];

pub(super) const PRODUCTS: [&str; 12] = [
    "晨光 16 吋電風扇",
    "變頻除濕機 12L",
    "無線吸塵器 V8",
    "氣炸鍋 5.5L",
    "藍牙耳機 Air 3",
    "負離子吹風機",
    "不鏽鋼保溫瓶 750ml",
    "雙人記憶床墊",
    "花東三日遊行程",
    "防潑水後背包",
    "電動牙刷組",
    "掃地機器人 S7",
];

pub(super) const SCENARIOS: [Scenario; 14] = [
    Scenario {
        subcategory_id: 21,
        subject: "訂單 {order} 逾期未到貨",
        content: "客戶反映訂單 {order}（{product}）原訂 {day} 到貨，至今未收到。\n物流查詢停留在轉運中心，請協助催件。",
        status_memo: "已向物流催件",
        memo: "客戶詢問訂單 {order} 配送進度，已向物流催件，預計隔日配達，已請客戶留意簡訊。",
        lines: &[
            (Customer, "你好，我的包裹一直沒有到"),
            (
                Agent,
                "您好，我是{agent}，很高興為您服務。方便提供訂單編號讓我查詢嗎？",
            ),
            (Customer, "{order}"),
            (Agent, "謝謝您，請稍等，我幫您查一下物流狀態"),
            (
                Agent,
                "查到了，您的{product}目前在桃園轉運中心，因為連假貨量較多有延遲",
            ),
            (Customer, "那什麼時候會到？我原本看是 {day}"),
            (
                Agent,
                "我已經幫您向物流催件，最快明天下午前會配達，司機配送前會先致電",
            ),
            (Customer, "好，麻煩了"),
        ],
    },
    Scenario {
        subcategory_id: 23,
        subject: "訂單 {order} 收件地址修改",
        content: "客戶填錯收件地址，訂單 {order} 尚未出貨，請物流組協助修改後再出貨。",
        status_memo: "等候物流組回覆",
        memo: "客戶要求更改訂單 {order} 收件地址，已轉物流組，尚未出貨可修改。",
        lines: &[
            (Customer, "請問可以改收件地址嗎？我寫成舊家了"),
            (Agent, "您好，可以的，請問訂單編號是？"),
            (Customer, "{order}，今天早上訂的"),
            (Agent, "這筆還沒出貨，請您提供新的完整地址"),
            (Customer, "新北市板橋區文化路一段，門牌我等等打電話補給你們"),
            (Agent, "好的，我先幫您暫停出貨，收到完整門牌後就會更新"),
            (Customer, "謝謝，還好有問"),
        ],
    },
    Scenario {
        subcategory_id: 25,
        subject: "退款 {amount} 元尚未入帳",
        content: "客戶於 {day} 完成退貨，退款 {amount} 元尚未入帳，發卡行表示未收到退刷資料。",
        status_memo: "財務確認中",
        memo: "退款 {amount} 元，財務已於本週送出退刷，已向客戶說明發卡行作業需 7 至 14 個工作天。",
        lines: &[
            (Customer, "退貨都兩個禮拜了，錢還沒退"),
            (Agent, "您好，真的很抱歉讓您久等，我立刻幫您確認"),
            (Customer, "金額是 {amount} 元"),
            (Agent, "我這邊看到倉庫 {day} 已收到退貨，財務也已經送出退刷"),
            (Customer, "可是銀行說沒看到"),
            (Agent, "發卡行入帳需要 7 到 14 個工作天，會顯示在下一期帳單"),
            (Customer, "如果還是沒有呢？"),
            (
                Agent,
                "我幫您建立追蹤工單，財務會提供退刷授權碼，您可以直接向銀行查詢",
            ),
            (Customer, "好，那我再等等看"),
        ],
    },
    Scenario {
        subcategory_id: 26,
        subject: "{product} 收到時外殼破損",
        content: "客戶收到{product}時外殼有裂痕，已提供照片三張，要求換貨。\n原訂單 {order}。",
        status_memo: "已安排逆物流",
        memo: "{product}外殼破損，確認照片後同意換貨，逆物流預計 {day} 收件。",
        lines: &[
            (Customer, "我收到的{product}外殼是裂的"),
            (Agent, "您好，非常抱歉造成您的困擾，方便拍照給我看嗎？"),
            (Customer, "好，我傳三張"),
            (Agent, "收到照片了，確認是運送造成的損壞，可以為您換新"),
            (Customer, "要我自己寄回去嗎？"),
            (Agent, "不用，我們會安排宅配 {day} 到府收件，請您保留原包裝"),
            (Customer, "了解，那新的什麼時候寄？"),
            (Agent, "收到退件後三個工作天內會出貨"),
        ],
    },
    Scenario {
        subcategory_id: 28,
        subject: "客戶無法重設密碼",
        content: "客戶點選忘記密碼後未收到重設信，已確認信箱正確，疑似被歸類為垃圾信。",
        status_memo: "已重寄重設信",
        memo: "協助重寄密碼重設信，客戶於垃圾信匣找到並完成登入。",
        lines: &[
            (Customer, "我忘記密碼了，按重設都沒有收到信"),
            (Agent, "您好，請問您註冊的信箱是哪一家的呢？"),
            (Customer, "公司信箱"),
            (Agent, "公司信箱有時會擋系統信，可以先看一下垃圾信匣嗎？"),
            (Customer, "啊，真的在垃圾信裡"),
            (Agent, "太好了，連結 30 分鐘內有效，請盡快設定新密碼"),
            (Customer, "登入成功了，感謝你"),
        ],
    },
    Scenario {
        subcategory_id: 29,
        subject: "手機收不到驗證碼",
        content: "客戶更換門號後收不到簡訊驗證碼，需人工核對身分後更新手機號碼。",
        status_memo: "待客戶補身分資料",
        memo: "客戶換門號收不到驗證碼，已告知需提供末四碼與生日核對。",
        lines: &[
            (Customer, "登入的簡訊驗證碼都收不到"),
            (Agent, "您好，請問最近有更換門號嗎？"),
            (Customer, "有，上個月換的"),
            (Agent, "那驗證碼是寄到舊門號，需要先核對資料才能更新"),
            (Customer, "要什麼資料？"),
            (Agent, "請提供舊門號末四碼以及最近一筆訂單編號"),
            (Customer, "末四碼 3917，訂單 {order}"),
            (Agent, "核對無誤，已為您更新，請重新取得驗證碼"),
            (Customer, "收到了！"),
        ],
    },
    Scenario {
        subcategory_id: 31,
        subject: "信用卡刷卡失敗，錯誤代碼 E05",
        content: "客戶結帳時信用卡刷卡失敗三次，顯示 E05，金額 {amount} 元。",
        status_memo: "請客戶洽發卡行",
        memo: "刷卡失敗 E05 為發卡行拒絕交易，建議客戶改用其他卡或洽發卡行。",
        lines: &[
            (Customer, "結帳一直失敗，刷卡刷不過"),
            (Agent, "您好，請問畫面上有顯示錯誤代碼嗎？"),
            (Customer, "E05"),
            (Agent, "E05 是發卡行拒絕交易，通常是額度或 3D 驗證沒有完成"),
            (Customer, "額度應該夠啊，才 {amount} 元"),
            (Agent, "建議您先致電發卡行確認，或是改用 LINE Pay、超商付款"),
            (Customer, "我用另一張卡試試……可以了"),
            (Agent, "太好了，訂單已成立，編號是 {order}"),
        ],
    },
    Scenario {
        subcategory_id: 32,
        subject: "發票要改開公司統編",
        content: "訂單 {order} 開立為個人雲端發票，客戶要求改開三聯式並填入統編。",
        status_memo: "會計作廢重開中",
        memo: "發票改開公司統編，會計將於 {day} 前作廢重開並寄出。",
        lines: &[
            (Customer, "請問發票可以改打統編嗎？要報帳"),
            (
                Agent,
                "您好，當月的發票可以作廢重開，請提供訂單編號和統一編號",
            ),
            (Customer, "訂單 {order}，統編我私訊給你"),
            (Agent, "收到，我轉給會計，{day} 前會寄新的發票到您的信箱"),
            (Customer, "那舊的要處理嗎？"),
            (Agent, "不用，雲端發票我們會直接作廢"),
            (Customer, "好的謝謝"),
        ],
    },
    Scenario {
        subcategory_id: 33,
        subject: "訂單 {order} 重複扣款",
        content: "客戶反映同一筆訂單 {order} 被扣款兩次，各 {amount} 元，附上銀行簡訊截圖。",
        status_memo: "金流商調查中",
        memo: "重複扣款 {amount} 元，確認其中一筆為授權未請款，已通知金流商取消授權。",
        lines: &[
            (Customer, "你們扣了我兩次錢！"),
            (Agent, "您好，很抱歉造成困擾，我馬上為您查"),
            (Customer, "兩筆都是 {amount}，時間差一分鐘"),
            (Agent, "其中一筆是授權失敗的暫時圈存，不會請款"),
            (Customer, "可是我的額度被佔掉了"),
            (Agent, "我已請金流商提前取消授權，最慢三個工作天會釋放"),
            (Customer, "希望不要再發生"),
            (Agent, "了解，我們會把狀況回報給工程團隊，再次向您致歉"),
        ],
    },
    Scenario {
        subcategory_id: 34,
        subject: "詢問{product}規格與庫存",
        content: "客戶詢問{product}是否支援 110V 以及門市是否有現貨。",
        status_memo: "已回覆規格",
        memo: "回覆{product}規格，支援 110V/60Hz，客戶考慮後下單。",
        lines: &[
            (Customer, "請問{product}還有貨嗎"),
            (Agent, "您好，目前線上有現貨，今天下單明天出貨"),
            (Customer, "電壓是 110V 的吧？"),
            (Agent, "是的，110V/60Hz，台灣可以直接使用"),
            (Customer, "保固多久？"),
            (Agent, "原廠保固一年，登錄會員再加半年"),
            (Customer, "好，我考慮一下"),
        ],
    },
    Scenario {
        subcategory_id: 36,
        subject: "{product}報修預約",
        content: "客戶的{product}運轉時有異音，保固期內，預約 {day} 到府收件檢修。",
        status_memo: "等候零件到貨",
        memo: "{product}異音，保固內免費檢修，已預約 {day} 收件。",
        lines: &[
            (Customer, "我家的{product}用起來有怪聲音"),
            (Agent, "您好，請問是一開機就有，還是運轉一陣子才有呢？"),
            (Customer, "大概十分鐘之後，喀喀喀的"),
            (Agent, "可能是軸承或濾網卡住，請問購買日期是？"),
            (Customer, "今年年初買的"),
            (
                Agent,
                "還在保固內，我幫您預約 {day} 到府收件，檢修約 7 個工作天",
            ),
            (Customer, "修理期間有替代機嗎？"),
            (Agent, "目前沒有提供替代機，很抱歉，我會幫您加急處理"),
            (Customer, "好吧，那就約 {day}"),
        ],
    },
    Scenario {
        subcategory_id: 39,
        subject: "購物點數未入帳",
        content: "客戶訂單 {order} 已完成，應得點數 300 點未入帳，活動期間為 {day} 前。",
        status_memo: "行銷補發點數",
        memo: "點數未入帳，確認符合活動資格，已請行銷補發 300 點。",
        lines: &[
            (Customer, "活動說滿額送 300 點，我沒有拿到"),
            (Agent, "您好，請提供訂單編號，我確認活動資格"),
            (Customer, "{order}"),
            (Agent, "這筆有符合資格，點數會在鑑賞期過後入帳"),
            (Customer, "鑑賞期早就過了"),
            (Agent, "我看一下……確實超過了，我幫您申請補發，今天內會入帳"),
            (Customer, "好，我晚點再看"),
            (Agent, "如果晚上還沒有看到，歡迎再與我們聯繫"),
        ],
    },
    Scenario {
        subcategory_id: 42,
        subject: "結帳頁面出現 500 錯誤",
        content: "多位客戶反映結帳頁按下「確認付款」後出現 500 錯誤，使用瀏覽器為 Safari。\n發生時間約 {day} 上午。",
        status_memo: "工程團隊處理中",
        memo: "結帳頁 500 錯誤，已轉工程團隊，請客戶先改用 App 下單。",
        lines: &[
            (Customer, "網站壞了嗎？付款那頁一直錯誤"),
            (Agent, "您好，請問畫面顯示什麼訊息呢？"),
            (Customer, "500 Internal Server Error"),
            (Agent, "了解，請問您使用的是電腦還是手機？瀏覽器是？"),
            (Customer, "Mac，Safari"),
            (
                Agent,
                "謝謝您，工程團隊已經在處理，您可以先用 App 結帳，購物車內容會同步",
            ),
            (Customer, "App 可以，謝謝"),
        ],
    },
    Scenario {
        subcategory_id: 44,
        subject: "建議新增到貨 LINE 通知",
        content: "客戶建議到貨通知除了簡訊之外，增加 LINE 推播。\n已轉產品團隊評估。",
        status_memo: "產品團隊評估中",
        memo: "功能建議：到貨 LINE 通知，已轉產品團隊。",
        lines: &[
            (Customer, "可以建議一個功能嗎"),
            (Agent, "當然可以，請說"),
            (Customer, "到貨的時候用 LINE 通知，簡訊常常漏看"),
            (Agent, "謝謝您的建議，我會轉給產品團隊評估"),
            (Customer, "如果有做記得跟我說"),
            (Agent, "好的，上線時會在官方帳號公告"),
            (System, "客戶已離開對話"),
        ],
    },
];

/// What goes on between the question and the end of a long conversation.
pub(super) const FOLLOW_UPS: [(&str, &str); 18] = [
    ("請問還要等多久？", "目前前面還有幾件，預計十分鐘內給您答覆"),
    (
        "我剛剛有傳截圖，有看到嗎？",
        "有的，已經收到，我放大看一下細節",
    ),
    (
        "上次的客服說會回電，但沒有人打來",
        "很抱歉，我查到紀錄了，這次由我負責追蹤到底",
    ),
    ("可以加快處理嗎？", "我已經標記為優先處理，主管也會協助確認"),
    ("那費用怎麼算？", "保固與鑑賞期內都不會收取任何費用"),
    ("我住的地方白天沒有人", "可以改約晚上六點到九點的時段"),
    ("可以改成超商取貨嗎？", "可以，請告訴我您要的門市名稱"),
    ("全家板橋文化店", "好的，已幫您改成該門市"),
    (
        "我再確認一次，是這個月底前對嗎？",
        "是的，最晚這個月底前會完成",
    ),
    ("發票會一起寄嗎？", "發票是雲端發票，會寄到您的電子信箱"),
    ("好，那我等你", "謝謝您的耐心，我正在跟倉庫確認"),
    ("還在嗎？", "在的，不好意思讓您久等"),
    (
        "我另外一張訂單也是一樣的狀況",
        "方便也提供那筆訂單編號嗎？我一起查",
    ),
    ("是 {order}", "收到，這筆我也一併幫您處理"),
    ("所以不用重新下單？", "不用的，原訂單會保留"),
    (
        "App 上面看不到進度",
        "進度大約半小時更新一次，您也可以直接在這裡問我",
    ),
    ("會有簡訊通知嗎？", "會的，完成後系統會發送簡訊給您"),
    ("了解", "還有其他需要我協助的地方嗎？"),
];

pub(super) const GREETING: &str = "您好，歡迎使用線上客服，正在為您安排專員，請稍候。";
pub(super) const FAREWELL: &str = "感謝您的來訊，祝您有美好的一天！";
pub(super) const SURVEY: &str = "請為本次服務評分：1 非常不滿意～5 非常滿意";
pub(super) const TAKEN_OVER: &str =
    "您好，我是接手的專員{agent}，剛才的內容我都看到了，請問還有要補充的嗎？";
