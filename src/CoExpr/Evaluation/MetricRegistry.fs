namespace CoExpr

/// The value of a measure of a perfect prediction.
[<RequireQualifiedAccess>]
type BestValue =
    | One
    | Zero
    /// A number that describes, and does not judge.
    | Nothing

/// Which measures are taken, by the names of cell-eval.
[<RequireQualifiedAccess>]
type EvaluationProfile =
    | Full
    | Minimal
    /// Those of the Virtual Cell Challenge 2025.
    | VirtualCellChallenge
    /// Those of tables of differential expression.
    | De
    /// Those of the cells themselves.
    | AnnData
    /// Discrimination alone.
    | Discrimination

/// A measure: its name, as cell-eval has it, and what there is to know of it.
type MetricEntry = {
    Name: string
    Best: BestValue
    /// Whether it is taken from tables of differential expression.
    FromTables: bool
    Profiles: EvaluationProfile list
}

/// All measures, in the order of cell-eval's tables of results: those of tables of differential expression first.
[<RequireQualifiedAccess>]
module MetricRegistry =

    /// The numbers of genes at which lists are compared.
    let depths = [ 50; 100; 200; 500 ]

    let private entry fromTables name best profiles =
        let group =
            if fromTables then
                EvaluationProfile.De
            else
                EvaluationProfile.AnnData

        {
            Name = name
            Best = best
            FromTables = fromTables
            Profiles = EvaluationProfile.Full :: group :: profiles
        }

    let private ofTables = entry true
    let private ofCells = entry false
    let private small = EvaluationProfile.Minimal
    let private challenge = EvaluationProfile.VirtualCellChallenge
    let private one, zero = BestValue.One, BestValue.Zero

    let all = [
        ofTables "overlap_at_N" one [ small; challenge ]
        for k in depths do
            ofTables $"overlap_at_{k}" one []
        ofTables "precision_at_N" one [ small ]
        for k in depths do
            ofTables $"precision_at_{k}" one []
        ofTables "de_spearman_sig" one []
        ofTables "de_direction_match" one []
        ofTables "de_spearman_lfc_sig" one []
        ofTables "de_sig_genes_recall" one []
        ofTables "de_nsig_counts_real" BestValue.Nothing [ small ]
        ofTables "de_nsig_counts_pred" BestValue.Nothing [ small ]
        ofTables "pr_auc" one []
        ofTables "roc_auc" one []
        ofCells "pearson_delta" one [ small ]
        ofCells "mse" zero [ small ]
        ofCells "mae" zero [ small; challenge ]
        ofCells "mse_delta" zero []
        ofCells "mae_delta" zero []
        ofCells "discrimination_score_l1" one [ small; challenge; EvaluationProfile.Discrimination ]
        ofCells "discrimination_score_l2" one []
        ofCells "discrimination_score_cosine" one []
        ofCells "pearson_edistance" one []
    ]

    let private profiles = [
        "full", EvaluationProfile.Full
        "minimal", EvaluationProfile.Minimal
        "vcc", EvaluationProfile.VirtualCellChallenge
        "de", EvaluationProfile.De
        "anndata", EvaluationProfile.AnnData
        "pds", EvaluationProfile.Discrimination
    ]

    /// The names of profiles.
    let profileNames = List.map fst profiles

    /// The name of a profile.
    let profileName profile =
        profiles |> List.find (fun (_, known) -> known = profile) |> fst

    /// The profile of this name.
    let parseProfile name : Result<EvaluationProfile, CoExprError> =
        match List.tryFind (fun (known, _) -> known = name) profiles with
        | Some(_, profile) -> Ok profile
        | None -> Error(CoExprError.UnknownLabel("--profile", name, profileNames))

    /// The measure of this name.
    let tryFind name =
        all |> List.tryFind (fun entry -> entry.Name = name)

    /// The measures of a profile less those to skip; an unknown name to skip is an UnknownLabel.
    let chosen profile (skipped: string list) : Result<MetricEntry list, CoExprError> =
        match skipped |> List.tryFind (tryFind >> Option.isNone) with
        | Some unknown ->
            Error(CoExprError.UnknownLabel("--skip-metrics", unknown, all |> List.map (fun entry -> entry.Name)))
        | None ->
            all
            |> List.filter (fun entry -> List.contains profile entry.Profiles && not (List.contains entry.Name skipped))
            |> Ok
