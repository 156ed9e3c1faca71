//! What one person may do alone, and why: every command that changes something and is not guarded, by its reason. A new
//! command is in neither list until somebody has thought about it, and until then the tests fail.

/// Commands that need no second person, for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// Why they need none.
    pub because: &'static str,
    /// Services and methods of the contract.
    pub operations: &'static [&'static str],
}

/// Every command that changes something, or could, and is not guarded.
pub const NEEDS_NONE: &[Free] = &[
    Free {
        because: "it is about the caller's own sign-in",
        operations: &["SessionService.CreateSession", "SessionService.DeleteSession", "UserService.ChangePassword"],
    },
    Free {
        because: "it takes rights away, which has to be done at once and can be undone by two",
        operations: &["UserService.DisableUser", "UserService.DeleteUser", "ApiClientService.DeleteApiClient"],
    },
    Free {
        because: "two persons agreed on the program and what it may do; whoever installs it needs its secret, the one \
                  before stops working at once, and a program neither proposes nor confirms",
        operations: &["ApiClientService.RotateApiClientSecret"],
    },
    Free {
        because: "it is how a second person is asked, or is what that person does",
        operations: &[
            "ChangeProposalService.CreateChangeProposal",
            "ChangeProposalService.ConfirmChangeProposal",
            "ChangeProposalService.RejectChangeProposal",
            "ChangeProposalService.WithdrawChangeProposal",
        ],
    },
    Free {
        because: "it writes a draft, which binds nobody until its publication or activation, and that is guarded",
        operations: &[
            "AdjudicationRuleSetService.CreateAdjudicationRuleSet",
            "AdjudicationRuleSetService.UpdateAdjudicationRuleSet",
            "WarrantyPolicyService.CreateWarrantyPolicy",
            "WarrantyPolicyService.UpdateWarrantyPolicy",
            "CampaignService.CreateCampaign",
        ],
    },
    Free {
        because: "it removes what is not in force: a draft, or what has ended",
        operations: &["AdjudicationRuleSetService.DeleteAdjudicationRuleSet", "CampaignService.DeleteCampaign"],
    },
    Free {
        because: "it retires a name for new work; what rests on it, its prices and its payee stay as they are",
        operations: &[
            "PartService.DeletePart",
            "LaborOperationService.DeleteLaborOperation",
            "StationService.DeleteStation",
            "SupplierService.DeleteSupplier",
        ],
    },
    Free {
        because: "it names, sorts or hands out work, and holds no amount and no payee",
        operations: &[
            "FailureCodeService.CreateFailureCode",
            "FailureCodeService.UpdateFailureCode",
            "FailureCodeService.DeleteFailureCode",
            "ReviewQueueService.CreateReviewQueue",
            "ReviewQueueService.UpdateReviewQueue",
            "ReviewQueueService.DeleteReviewQueue",
            "AppraiserService.CreateAppraiser",
            "AppraiserService.UpdateAppraiser",
            "AppraiserService.DeleteAppraiser",
        ],
    },
    Free {
        because: "it is a fact of one vehicle, which its history shows; what it decides is decided claim by claim, and \
                  its corrections take another person",
        operations: &[
            "VehicleService.CreateVehicle",
            "VehicleService.UpdateVehicle",
            "VehicleService.ImportVehicles",
            "VehicleService.CreateOdometerReading",
            "VehicleService.RecordSale",
            "VehicleService.TransferOwner",
            "VehicleService.ChangeUse",
            "VehicleService.MarkReturned",
            "VehicleService.RecordComponent",
            "CorrectionService.CreateCorrection",
            "CorrectionService.ApproveCorrection",
            "CorrectionService.RejectCorrection",
            "CorrectionService.WithdrawCorrection",
        ],
    },
    Free {
        because: "it lets one vehicle have, or not have, what two persons agreed on for all: work within a campaign's \
                  remedies, a service that is claimed once and decided by somebody else",
        operations: &[
            "CampaignService.ImportCampaignVehicles",
            "CampaignService.ExemptCampaignVehicle",
            "CampaignService.ReinstateCampaignVehicle",
            "ServiceEntitlementService.IssueServiceEntitlement",
            "ServiceEntitlementService.VoidServiceEntitlement",
        ],
    },
    Free {
        because: "a station writes or asks for it, and somebody of the manufacturer decides it",
        operations: &[
            "ClaimService.CreateClaim",
            "ClaimService.UpdateClaim",
            "ClaimService.SubmitClaim",
            "ClaimService.WithdrawClaim",
            "ClaimService.CopyClaim",
            "ClaimService.RecordRescueTrack",
            "ClaimExchangeService.BatchCreateClaims",
            "ClaimExchangeService.BatchUpdateClaims",
            "ClaimExchangeService.BatchSubmitClaims",
            "AppealService.CreateAppeal",
            "AppealService.WithdrawAppeal",
        ],
    },
    Free {
        because: "it decides one claim, never the decider's own, and above the limits of the setting a second level \
                  approves it",
        operations: &[
            "ClaimService.AdjudicateClaim",
            "ClaimService.ApproveDecision",
            "ClaimService.DeclineDecision",
            "ClaimService.ReturnClaim",
            "AppealService.DecideAppeal",
            "AuthorizationService.RevokeAuthorization",
        ],
    },
    Free {
        because: "it is work on one claim and decides nothing of it",
        operations: &[
            "ClaimService.StartReview",
            "ClaimHoldService.HoldClaim",
            "ClaimHoldService.ReleaseHold",
            "ClaimNoteService.CreateClaimNote",
            "ClaimQueueService.TakeNextClaim",
            "ClaimQueueService.ReleaseReview",
            "ClaimQueueService.ReassignClaim",
            "AttachmentService.CreateAttachment",
            "AttachmentService.LinkAttachment",
            "AttachmentService.UploadAttachment",
            "AttachmentService.EraseAttachment",
        ],
    },
    Free {
        because: "an appraisal has parties that separate its duties: who orders it does not conclude it, its experts \
                  sign, and the parties may object before it is final",
        operations: &[
            "AppraisalService.CreateAppraisal",
            "AppraisalService.AcceptAppraisal",
            "AppraisalService.DeclineAppraisal",
            "AppraisalService.StartAppraisal",
            "AppraisalService.RequestAppraisalInformation",
            "AppraisalService.ProvideAppraisalInformation",
            "AppraisalService.ShareAppraisalDraft",
            "AppraisalService.CommentAppraisal",
            "AppraisalService.ObjectToAppraisal",
            "AppraisalService.ConcludeAppraisal",
            "AppraisalService.DecideLiability",
            "AppraisalService.FinalizeAppraisal",
            "AppraisalService.CancelAppraisal",
            "AppraisalService.ReassignAppraisal",
            "AppraisalService.SupersedeAppraisal",
        ],
    },
    Free {
        because: "it is about one recovery claim, which its supplier answers; an answer on the supplier's behalf and a \
                  waiver have a second person of their own, and a dispute another auditor",
        operations: &[
            "RecoveryService.AssignRecoveryClaim",
            "RecoveryService.IssueRecoveryClaim",
            "RecoveryService.RecordRecoveryDelivery",
            "RecoveryService.PauseRecoveryClaim",
            "RecoveryService.ResumeRecoveryClaim",
            "RecoveryService.AnswerRecoveryClaim",
            "RecoveryService.ConfirmRecoveryAnswer",
            "RecoveryService.BatchAnswerRecoveryClaims",
            "RecoveryService.ResolveRecoveryClaim",
            "RecoveryService.WaiveRecoveryClaim",
            "RecoveryService.ConfirmRecoveryWaiver",
        ],
    },
    Free {
        because: "it only reads, or tries without writing",
        operations: &["AdjudicationRuleSetService.DryRunAdjudicationRuleSet", "ClaimService.PrecheckClaim"],
    },
];
