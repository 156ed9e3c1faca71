//! The table of texts: for each code a title that stands alone, a detail that names values, the evidence
//! that would help and the way out; each in English and Chinese.

use crate::claims::finding::Code;
use crate::text::Lang;

/// A text in both languages, known at build time.
#[derive(Clone, Copy)]
pub(super) struct Pair(pub(super) &'static str, pub(super) &'static str);

impl Pair {
    const NONE: Pair = Pair("", "");

    pub(super) fn pick(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.0,
            Lang::ZhCn => self.1,
        }
    }
}

/// All texts of a code. `title` stands alone; `detail` names values and may be empty.
#[derive(Clone, Copy)]
pub(super) struct Template {
    pub(super) title: Pair,
    pub(super) detail: Pair,
    pub(super) evidence: Pair,
    pub(super) fix: Pair,
}

impl Template {
    /// The way out without values: a fix that names some is told to findings only.
    pub(super) fn reason_fix(&self, lang: Lang) -> &'static str {
        let fix = self.fix.pick(lang);
        if fix.contains('{') { "" } else { fix }
    }
}

/// Shorthand of the table below: title, detail, evidence, fix; each English, Chinese.
const fn t(
    title: (&'static str, &'static str),
    detail: (&'static str, &'static str),
    evidence: (&'static str, &'static str),
    fix: (&'static str, &'static str),
) -> Template {
    Template {
        title: Pair(title.0, title.1),
        detail: Pair(detail.0, detail.1),
        evidence: Pair(evidence.0, evidence.1),
        fix: Pair(fix.0, fix.1),
    }
}

/// Says nothing.
const NO: (&str, &str) = (Pair::NONE.0, Pair::NONE.1);

/// The texts of a code.
pub(super) fn template(code: Code) -> Template {
    match code {
        Code::ExpiredWarranty => t(
            ("the warranty has ended", "保修期已过"),
            (
                "the warranty of {subject} ended before the drop-off on {date} at {odometer_km} km: {reason_en}",
                "{subject} 在 {date}（里程 {odometer_km} 公里）送修时已超出保修期：{reason_zh}",
            ),
            (
                "a repair record that shows an earlier complaint of the same failure",
                "能证明此前已就同一故障报修的维修记录",
            ),
            (
                "correct drop-off date or odometer if they are wrong; ask for a correction if the recorded sale date is \
                 (POST /v1/corrections); otherwise ask for goodwill",
                "如送修日期或里程有误请更正；如登记的销售日期有误请申请更正（POST /v1/corrections）；否则请申请善意补偿",
            ),
        ),
        Code::NotCovered => t(
            ("no warranty policy covers it", "无保修政策覆盖"),
            ("no warranty policy covers {subject}: {reason_en}", "{subject} 不在任何保修政策范围内：{reason_zh}"),
            NO,
            (
                "name another causal part if this one is wrong; otherwise ask for goodwill",
                "如主损件有误请更正；否则请申请善意补偿",
            ),
        ),
        Code::SubmittedTooLate => t(
            ("submitted too late", "超过申报期限"),
            (
                "submitted {days} days after the repair was completed on {completed}; the window is {limit_days} days",
                "维修于 {completed} 完工，{days} 天后才申报；期限为 {limit_days} 天",
            ),
            ("what kept the claim from being submitted in time", "未能按期申报的原因说明"),
            (
                "submit within the window; explain the delay in the correction's description",
                "请在期限内申报；并在处理说明中写明延迟原因",
            ),
        ),
        Code::Duplicate => t(
            ("another claim has the same vehicle and causal part", "同一车辆同一主损件已有索赔"),
            (
                "{other_en} has the same vehicle and causal part, repaired on {other_date}, within {window_days} days",
                "{other_zh} 为同一车辆同一主损件，维修日期 {other_date}，在 {window_days} 天之内",
            ),
            ("why the part failed again", "该零件再次失效的原因"),
            (
                "withdraw this claim if it repeats the other; otherwise mark it as a repeat repair or a supplement",
                "如为重复申报请撤回；否则请标记为重复维修或追加索赔",
            ),
        ),
        Code::ExcessiveLaborHours => t(
            ("more hours than the operation's standard", "工时超过标准"),
            (
                "{hours} h are claimed; the standard of {operation} is {standard_hours} h",
                "申报 {hours} 工时；{operation} 的标准为 {standard_hours} 工时",
            ),
            ("time punches and the reason in the comment on additional hours", "打卡记录及附加工时说明"),
            (
                "claim the standard hours, or put the rest under additional hours with a comment",
                "按标准工时申报，或将超出部分填入附加工时并说明原因",
            ),
        ),
        Code::LaborFaultMismatch => t(
            ("the work does not fit the failure", "作业项目与故障不符"),
            NO,
            NO,
            ("name the operation that the failure needs", "请填写与故障相符的作业项目"),
        ),
        Code::LaborModelMismatch => t(
            ("the operation is not valid for the model", "作业项目不适用于该车型"),
            ("{operation} is not valid for model {model}", "{operation} 不适用于车型 {model}"),
            NO,
            ("choose the operation of this model", "请选择该车型的作业项目"),
        ),
        Code::PartModelMismatch => t(
            ("the part does not fit the model", "零件不适用于该车型"),
            ("{part} does not fit model {model}", "{part} 不适用于车型 {model}"),
            ("a photo of the part's label", "零件标签照片"),
            ("choose the part of this model", "请选择该车型的零件"),
        ),
        Code::OdometerRegression => t(
            ("the odometer contradicts another reading", "里程与其他读数矛盾"),
            (
                "{odometer_km} km on {date} contradicts {other_km} km on {other_date}",
                "{date} 里程 {odometer_km} 公里与 {other_date} 的 {other_km} 公里矛盾",
            ),
            ("a photo of the odometer", "里程表照片"),
            (
                "correct the reading; if the other reading is wrong or the instrument was replaced, ask for a correction \
                 of it (POST /v1/corrections)",
                "请更正里程；如另一读数有误或更换过仪表，请申请更正该读数（POST /v1/corrections）",
            ),
        ),
        Code::InvalidVin => t(
            ("the VIN has no valid form", "VIN 格式无效"),
            ("{vin} is no VIN: {reason_en}", "{vin} 不是有效的 VIN：{reason_zh}"),
            ("a photo of the VIN plate", "VIN 铭牌照片"),
            ("write the 17 characters as on the plate, without I, O and Q", "请按铭牌填写 17 位字符（不含 I、O、Q）"),
        ),
        Code::NoSaleRecord => t(
            ("the sale of the vehicle is not recorded", "车辆无销售记录"),
            ("the sale of {vin} is not recorded, so its warranty has no start", "{vin} 无销售记录，保修期无法起算"),
            ("the sales invoice", "购车发票"),
            (
                "have the sale recorded with invoice and delivery date (:recordSale); a recorded date that is wrong is \
                 corrected on request (POST /v1/corrections)",
                "请补录销售信息（:recordSale，发票及交车日期）；已登记日期有误的请申请更正（POST /v1/corrections）",
            ),
        ),
        Code::QuantityOverVehicleUsage => t(
            ("more pieces than the vehicle has", "数量超过单车用量"),
            (
                "{quantity} of {part} are claimed; a vehicle has {usage}",
                "{part} 申报 {quantity} 件；单车用量为 {usage} 件",
            ),
            NO,
            ("correct the quantity", "请更正数量"),
        ),
        Code::AuthorizationMissing => t(
            ("a prior authorisation is missing", "缺少事前批准"),
            ("a line of type {line_type} needs a prior authorisation", "{line_type} 类型的行需要事前批准"),
            NO,
            ("name the authorisation; ask for one before buying", "请填写批准编号；外购前应先申请批准"),
        ),
        Code::ExceedsAuthorization => t(
            ("more than the authorisation allows", "超出批准范围"),
            (
                "authorisation {authorization} has {allowed} left; {wanted} is claimed",
                "批准 {authorization} 剩余 {allowed}；申报为 {wanted}",
            ),
            NO,
            ("stay within the authorisation, or ask for another", "请在批准范围内申报，或另行申请"),
        ),
        Code::InsufficientInformation => t(
            ("the description does not suffice to decide", "信息不足，无法判定"),
            NO,
            NO,
            ("describe complaint, cause and correction in full", "请完整填写故障现象、原因和处理"),
        ),
        Code::EvidenceMissing => t(
            ("evidence is missing", "缺少证明材料"),
            (
                "{needed} of the kind {category_en} are needed, {found} are there",
                "需要 {needed} 份{category_zh}，现有 {found} 份",
            ),
            ("photos, invoices or readings of the fault memory", "照片、发票或故障码读数"),
            ("attach the evidence", "请补充证明材料"),
        ),
        Code::UnknownAttachment => t(
            ("there is no such attachment of the station", "本站没有该附件"),
            (
                "there is no {attachment} of this station, or its bytes never came",
                "本站没有 {attachment}，或其内容从未上传",
            ),
            NO,
            (
                "upload the file and name its attachment, or take the name out",
                "请上传文件并填写其附件名称，或删除该引用",
            ),
        ),
        Code::EvidenceNotUploaded => t(
            ("the file is not uploaded yet", "文件尚未上传完成"),
            ("the bytes of {attachment} are not all there yet", "{attachment} 的内容尚未上传完成"),
            NO,
            ("finish the upload; what is there at submission is what counts", "请完成上传；以提交时已有内容为准"),
        ),
        Code::EvidenceReused => t(
            ("the same file proves another claim", "同一文件已用于其他索赔"),
            ("the file of {attachment} also proves {other_en}", "{attachment} 的文件也用于{other_zh}"),
            ("a photo of this vehicle and this repair", "本车辆本次维修的照片"),
            (
                "attach a file of this repair, or say in the description why both share it",
                "请提供本次维修的文件，或在说明中写明共用原因",
            ),
        ),
        Code::ExcessivePartCost => t(
            ("the part costs too much", "零件费用过高"),
            NO,
            ("the invoice of the part", "零件发票"),
            ("correct the amount", "请更正金额"),
        ),
        Code::ExcessiveSublet => t(
            ("work given to others costs too much", "外协费用过高"),
            NO,
            ("the invoice of the work", "外协发票"),
            ("correct the amount", "请更正金额"),
        ),
        Code::CustomerDamage => t(("the damage came from outside or from use", "人为或外部损坏"), NO, NO, NO),
        Code::SupplierResponsible => {
            t(("a supplier is responsible and settles directly", "由供应商负责并直接结算"), NO, NO, NO)
        }
        Code::PartNotReturnedInTime => t(
            ("the replaced part was not returned in time", "旧件未按期返回"),
            NO,
            ("proof of shipment", "发运凭证"),
            ("ship the part", "请返回旧件"),
        ),
        Code::PartDamagedByPacking => {
            t(("the replaced part was damaged by bad packing", "旧件因包装不良损坏"), NO, NO, NO)
        }
        Code::NoDefectFound => t(("the replaced part has no defect", "旧件未检出故障"), NO, NO, NO),
        Code::NotCampaignVehicle => t(
            ("the vehicle is not in the scope of the campaign", "车辆不在活动范围内"),
            ("{campaign} does not reach {vin}: {reason_en}", "{campaign} 不适用于 {vin}：{reason_zh}"),
            NO,
            ("leave the campaign out if the work does not belong to it", "如与活动无关请去掉活动编号"),
        ),
        Code::FacilityNotAuthorized => {
            t(("the station is not authorised for this work", "服务站无此作业资格"), NO, NO, NO)
        }
        Code::FreeServiceLimit => t(
            ("the free services are used up", "免费保养次数已用完"),
            ("free service {sequence} of this vehicle is claimed already", "该车第 {sequence} 次免费保养已被申报"),
            NO,
            ("withdraw the claim, or ask for an entitlement as a courtesy", "请撤回，或申请善意发放保养权益"),
        ),
        Code::RepeatRepair => t(
            ("the same repair was done before", "重复维修"),
            (
                "{part} was fitted by {other_en} on {fitted}, and that repair answers for it until {last_day}",
                "{part} 于 {fitted} 由{other_zh}装上，其维修质量担保至 {last_day}",
            ),
            ("the failed new part", "再次失效的新件"),
            ("do it again free of charge, or show that the new part itself failed", "请免费返修，或证明新件本身失效"),
        ),
        Code::PartialCoverage => t(("only a part of the repair is covered", "仅部分在保修范围内"), NO, NO, NO),
        Code::VinCheckDigit => t(
            ("the VIN's check digit does not fit", "VIN 校验位不符"),
            ("the check digit of {vin} should be {expected}", "{vin} 的校验位应为 {expected}"),
            ("a photo of the VIN plate", "VIN 铭牌照片"),
            (
                "correct the VIN; if the plate really reads so, have an authorised person override it",
                "请更正 VIN；如铭牌确为如此，请由授权人员放行",
            ),
        ),
        Code::VinYearCode => t(
            ("the VIN's model year character does not exist", "VIN 年份代码不存在"),
            ("{vin} has no valid model year in position 10", "{vin} 第 10 位不是有效的年份代码"),
            ("a photo of the VIN plate", "VIN 铭牌照片"),
            ("correct the VIN", "请更正 VIN"),
        ),
        Code::UnknownVehicle => t(
            ("the vehicle is not known", "车辆不存在"),
            ("the manufacturer does not know {vin}", "系统中没有车辆 {vin}"),
            NO,
            ("correct the VIN, or have the vehicle recorded", "请更正 VIN，或补录车辆档案"),
        ),
        Code::UnknownPart => t(
            ("the part is not in the catalogue", "零件不存在"),
            ("{part} is not in the catalogue or retired", "零件 {part} 不在目录中或已停用"),
            NO,
            ("choose a part of the catalogue", "请选择目录中的零件"),
        ),
        Code::UnknownOperation => t(
            ("the operation is not in the catalogue", "作业项目不存在"),
            ("{operation} is not in the catalogue or retired", "作业项目 {operation} 不在目录中或已停用"),
            NO,
            ("choose an operation of the catalogue", "请选择目录中的作业项目"),
        ),
        Code::UnknownFailureCode => t(
            ("the failure code is not in the catalogue", "故障代码不存在"),
            ("{failure_code} is not in the catalogue or retired", "故障代码 {failure_code} 不在目录中或已停用"),
            NO,
            ("choose a failure code of the catalogue", "请选择目录中的故障代码"),
        ),
        Code::MissingSerial => t(
            ("a serial number is missing", "缺少序列号"),
            (
                "{part} is serialised: both the removed and the fitted serial number are needed",
                "{part} 为序列号管理件：须填写拆下件和装上件的序列号",
            ),
            ("photos of both labels", "新旧件标签照片"),
            ("write the serial number", "请填写序列号"),
        ),
        Code::OverlappingOperations => t(
            ("two operations contain the same work", "作业项目重叠"),
            (
                "{operation} overlaps with {other_operation} on line {other_line}",
                "{operation} 与第 {other_line} 行的 {other_operation} 重叠",
            ),
            NO,
            ("leave out the operation that the other one contains", "请删除被包含的作业项目"),
        ),
        Code::PriceAboveList => t(
            ("more is requested than the list allows", "申报金额高于目录价"),
            ("{requested} is requested; the list allows {computed}", "申报 {requested}；按目录为 {computed}"),
            ("the invoice, if the amount comes from one", "如有发票请提供"),
            ("request at most {computed}", "申报金额请不超过 {computed}"),
        ),
        Code::RepairOrderJobClaimed => t(
            ("the job was claimed before", "该工单项目已申报"),
            (
                "{other} already claims job {job} of repair order {repair_order}",
                "{other} 已申报工单 {repair_order} 的项目 {job}",
            ),
            NO,
            ("withdraw the other claim, or correct repair order and job", "请撤回另一索赔单，或更正工单及项目编号"),
        ),
        Code::DatesOutOfOrder => t(
            ("the dates contradict each other", "日期先后矛盾"),
            ("{date} contradicts {other_field} {other_date}", "{date} 与 {other_field} {other_date} 矛盾"),
            NO,
            (
                "correct the dates: drop-off, start, completion follow each other and none lies in the future",
                "请更正日期：送修、开工、完工依次排列且不晚于今天",
            ),
        ),
        Code::RequiredField => t(
            ("a field that is needed is empty", "必填项为空"),
            ("{name} is needed", "必须填写 {name}"),
            NO,
            ("fill in {name}", "请填写 {name}"),
        ),
        Code::NoPrice => t(
            ("no price is in force", "无有效价格"),
            (
                "no {price_kind} of {subject} in {currency} is in force on {date}",
                "{date} 无 {subject} 的有效 {price_kind}（{currency}）",
            ),
            NO,
            (
                "check the repair's completion date; the manufacturer may have to add the price",
                "请核对完工日期；或由厂家补录价格",
            ),
        ),
        Code::LineTypeNotAllowed => t(
            ("this type of line has no place in this kind of claim", "该类型的行不适用于此类索赔"),
            (
                "a line of type {line_type} has no place in a claim of kind {kind}",
                "{kind} 类索赔不能有 {line_type} 类型的行",
            ),
            NO,
            ("remove the line", "请删除该行"),
        ),
        Code::KindNotOfferedYet => t(
            ("this kind of claim is not offered yet", "此类索赔暂未开放"),
            NO,
            NO,
            ("use kind WARRANTY_REPAIR", "请使用 WARRANTY_REPAIR"),
        ),
        Code::AuthorizationNotUsable => t(
            ("the authorisation is over, used up or revoked", "批准已失效、用完或被撤销"),
            ("authorisation {authorization} can't be used: {reason_en}", "批准 {authorization} 不可用：{reason_zh}"),
            NO,
            ("ask for another authorisation", "请另行申请批准"),
        ),
        Code::HoursOverActual => t(
            ("more hours than were worked", "申报工时超过实际工时"),
            ("{hours} h are claimed; {actual_hours} h were worked", "申报 {hours} 工时；实际为 {actual_hours} 工时"),
            ("time punches", "打卡记录"),
            ("claim at most the hours worked", "申报工时请不超过实际工时"),
        ),
        Code::SerialMismatch => t(
            ("the removed serial number is not the one on record", "拆下件序列号与档案不符"),
            (
                "the vehicle's record has serial number {expected} for {part}, not {serial}",
                "档案中 {part} 的序列号为 {expected}，而非 {serial}",
            ),
            ("a photo of the removed part's label", "拆下件标签照片"),
            (
                "correct the serial number, or explain when the part was replaced before",
                "请更正序列号，或说明此前的更换情况",
            ),
        ),
        Code::CurrencyMismatch => t(
            ("an amount is in a foreign currency", "币种不符"),
            ("{amount} is not in {currency}", "{amount} 的币种不是 {currency}"),
            NO,
            ("write the amount in the station's currency", "请使用服务站结算币种"),
        ),
        Code::AmountOutOfRange => t(
            ("the amount is larger than can be held", "金额超出范围"),
            NO,
            NO,
            ("correct quantity, hours or amount", "请更正数量、工时或金额"),
        ),
        Code::QuoteTooLow => t(
            ("the offer is less than the lines", "报价低于各行合计"),
            ("the lines ask for {lines}; the limit asked for is {limit}", "各行合计 {lines}；申请限额为 {limit}"),
            ("the vendor's offer", "供应商报价单"),
            ("correct the limit or the lines", "请更正限额或各行金额"),
        ),
        Code::OutsideServiceWindow => t(
            ("the free service was done outside of its window", "超出免费保养期限"),
            (
                "free service {sequence} is for {from_km} to {to_km} km until {last_day}; it was done on {date} at {odometer_km} km",
                "第 {sequence} 次免费保养限 {from_km} 至 {to_km} 公里、{last_day} 以前；实际为 {date}、{odometer_km} 公里",
            ),
            NO,
            ("explain the delay; an auditor decides", "请说明原因，由审核员判定"),
        ),
        Code::ServiceSequence => t(
            ("an earlier free service was not claimed", "之前的免费保养未申报"),
            (
                "free service {sequence} is claimed; {others} of this vehicle stand otherwise",
                "申报第 {sequence} 次免费保养；该车其他次数状态：{others}",
            ),
            NO,
            (
                "nothing, if the vehicle was serviced elsewhere: the warranty stands",
                "若在他处保养则无需处理：不影响质保",
            ),
        ),
        Code::EntitlementNotUsable => t(
            ("there is no such free service", "无此免费保养权益"),
            ("the free service can't be claimed: {reason_en}", "免费保养不可申报：{reason_zh}"),
            NO,
            ("name another entitlement, or ask for one", "请填写其他权益，或申请发放"),
        ),
        Code::RescueDistance => t(
            ("more kilometres than were verified", "申报里程超过核实里程"),
            (
                "{claimed_km} km one way are claimed; track and map verify {verified_km} km, tolerance included",
                "申报单程 {claimed_km} 公里；轨迹与地图核实（含允差）{verified_km} 公里",
            ),
            ("the recorded track, or the map's route", "行驶轨迹或地图路线"),
            ("correct the distance, or explain the detour", "请更正里程，或说明绕行原因"),
        ),
        Code::TripNotShared => t(
            ("the other claim does not share the trip", "对方索赔单未共享该次出行"),
            (
                "trip {trip} is shared with {other}, which is no rescue of your station that names it back",
                "第 {trip} 次出行与 {other} 共享，但对方不是本站的急救单或未互相填写",
            ),
            NO,
            ("name each claim in the other's trip", "请在两张单的出行中互相填写"),
        ),
        Code::NightFlag => t(
            ("the times say otherwise than by night or by day", "夜间标记与出行时间不符"),
            (
                "trip {trip} is claimed {said_en}; by its times all of it was {was_en} (night is {night})",
                "第 {trip} 次出行申报为{said_zh}；按时间全程为{was_zh}（夜间：{night}）",
            ),
            ("what proves the times of the trip", "出行时间证明"),
            ("correct the times, or whether it was by night", "请更正时间或夜间标记"),
        ),
        Code::NightLabor => t(
            ("hours by night are not shown", "夜间工时未经证实"),
            (
                "line {line} claims hours by night, and no trip of the claim was by night",
                "第 {line} 行申报夜间工时，但本单没有夜间出行",
            ),
            ("what proves when the work was done", "作业时间证明"),
            ("claim the hours by day, or prove when they were worked", "请按日间工时申报，或证明作业时间"),
        ),
        Code::SupplementNotUsable => t(
            ("nothing can be added to the claim", "不能对该索赔单追加"),
            ("{other} can't be added to: {reason_en}", "不能对 {other} 追加：{reason_zh}"),
            NO,
            (
                "name a decided claim of your station on this vehicle, or leave supplement_of out",
                "请填写本站对该车辆已判定的索赔单，或去掉追加索赔编号",
            ),
        ),
        Code::SupplementLimit => t(
            ("no further supplement is allowed", "追加次数已达上限"),
            (
                "{found} claims add to {other} already; at most {limit} may",
                "{other} 已有 {found} 张追加索赔单；最多 {limit} 张",
            ),
            NO,
            (
                "withdraw a supplement that is not decided and claim all of it with this one, or appeal",
                "请撤回尚未判定的追加索赔单并合并申报，或提出申诉",
            ),
        ),
        Code::SupplementTooLate => t(
            ("the supplement comes too late", "超过追加期限"),
            (
                "submitted {days} days after the decision of {decided}; the window is {limit_days} days",
                "于 {decided} 判定，{days} 天后才追加；期限为 {limit_days} 天",
            ),
            ("what kept the supplement from being submitted in time", "未能按期追加的原因说明"),
            ("explain the delay in the correction's description", "请在处理说明中写明延迟原因"),
        ),
        Code::MapDistance => t(
            ("the map's distance is not plausible", "地图里程不合理"),
            (
                "the map says {map_km} km there and back for trip {trip}; {than_en}",
                "第 {trip} 次出行地图往返 {map_km} 公里；{than_zh}",
            ),
            ("the route by the map", "地图路线"),
            ("correct the distance by the map, or explain the detour", "请更正地图里程或说明绕行原因"),
        ),
        Code::RescueDuration => t(
            ("the time of the trip is not plausible", "出行时长不合理"),
            (
                "trip {trip} took {hours} hours; for {km} km there and back up to {most_hours} are plausible",
                "第 {trip} 次出行历时 {hours} 小时；往返 {km} 公里合理时长不超过 {most_hours} 小时",
            ),
            ("what kept the people there", "滞留原因说明"),
            ("correct the times, or explain what took so long", "请更正时间或说明滞留原因"),
        ),
        Code::OpenRecall => t(
            ("a safety recall of the vehicle is open", "车辆有未完成的安全召回"),
            (
                "the safety recall {campaign} ({name_en}) is open for {vin}: do its work before the vehicle leaves",
                "安全召回 {campaign}（{name_zh}）对 {vin} 尚未完成：请在车辆离店前完成",
            ),
            NO,
            ("do the recall's work and claim it under the campaign", "请完成召回作业并按该活动申报"),
        ),
        Code::CampaignNotUsable => t(
            ("the campaign can't be claimed", "活动不可申报"),
            ("{campaign} can't be claimed: {reason_en}", "{campaign} 不可申报：{reason_zh}"),
            NO,
            ("name the right campaign, or leave it out", "请填写正确的活动编号，或去掉该编号"),
        ),
        Code::CampaignAlreadyClaimed => t(
            ("the campaign's work on this vehicle is claimed already", "该车辆的活动作业已申报"),
            (
                "the work of {campaign} on {vin} is claimed already and stands at {state}",
                "{vin} 的 {campaign} 作业已由其他索赔单申报，状态为 {state}",
            ),
            NO,
            (
                "withdraw this claim; work that was done beside is claimed without the campaign",
                "请撤回本单；活动以外的作业请不填活动编号另行申报",
            ),
        ),
        Code::OutsideCampaignRemedy => t(
            ("the line is no work of the campaign", "该行不属于活动作业内容"),
            (
                "{subject} is no work of {campaign}'s remedy {remedy}",
                "{subject} 不在 {campaign} 方案 {remedy} 的作业内容内",
            ),
            ("why the work was needed", "需要该作业的原因"),
            ("claim it apart, without the campaign", "请不填活动编号另行申报"),
        ),
        Code::ExceedsCampaignRemedy => t(
            ("more than the campaign's remedy pays", "超过活动方案的标准"),
            (
                "{claimed} of {subject} are claimed; {campaign}'s remedy {remedy} pays {allowed}",
                "{subject} 申报 {claimed}；{campaign} 方案 {remedy} 的标准为 {allowed}",
            ),
            ("what made more necessary", "需要更多的原因"),
            ("claim what the remedy says", "请按方案标准申报"),
        ),
        Code::CampaignPartsNotReady => t(
            ("the campaign's parts are not ready", "活动零件尚未就绪"),
            (
                "the parts of {campaign}'s remedy {remedy} can be had from {ready} on; the repair was completed on {date}",
                "{campaign} 方案 {remedy} 的零件自 {ready} 起可供；维修于 {date} 完工",
            ),
            ("where the parts came from", "零件来源"),
            ("correct the dates, or say where the parts came from", "请更正日期，或说明零件来源"),
        ),
        Code::Other => t(("see the note", "见备注"), NO, NO, NO),
    }
}
