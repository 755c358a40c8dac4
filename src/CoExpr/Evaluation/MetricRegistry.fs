namespace CoExpr

/// The value of a measure of a perfect prediction.
[<RequireQualifiedAccess>]
type BestValue =
    | One
    | Zero
    /// A number that describes, and does not judge.
    | Nothing

/// Which measures are taken.
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
    /// The six scores of the Virtual Cell Challenge 2026.
    | VirtualCellChallenge2026
    /// All that there are.
    | Extended
    /// Some measures by name.
    | Named of string list

/// A measure: its name, as cell-eval has it where it is cell-eval's, and what there is to know of it.
type MetricEntry = {
    Name: string
    Best: BestValue
    /// Whether it is taken from tables of differential expression.
    FromTables: bool
    Profiles: EvaluationProfile list
}

/// All measures: first cell-eval's in the order of its tables of results, those of tables of differential expression ahead.
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
            Profiles = EvaluationProfile.Extended :: EvaluationProfile.Full :: group :: profiles
        }

    /// A measure that cell-eval 0.8.1 has not.
    let private further fromTables profiles name best = {
        Name = name
        Best = best
        FromTables = fromTables
        Profiles = EvaluationProfile.Extended :: profiles
    }

    let private ofTables = entry true
    let private ofCells = entry false
    let private small = EvaluationProfile.Minimal
    let private challenge = EvaluationProfile.VirtualCellChallenge
    let private one, zero = BestValue.One, BestValue.Zero

    let private challenge2026 = EvaluationProfile.VirtualCellChallenge2026

    let private ofCellEval2Tables = [
        "direction_fidelity_yield_raw", one
        "direction_reach_raw", one
        "sig_jaccard", one
        "lfc_nmae", zero
        "sig_informedness", one
        "sig_markedness", one
        "sig_mcc", one
    ]

    let private isOfChallenge name =
        not (List.contains name [ "sig_informedness"; "sig_markedness"; "sig_mcc" ])

    /// Those of systema, perturbench and pertpy, and discrimination by further distances.
    let private ofOthers = [
        for distance in EffectDistance.all do
            $"discrimination_score_{distance.Name}", one
        "systema_centroid_accuracy", one
        "systema_pearson_reference", one
        "systema_pearson_reference_top20", one
        "systema_pearson_delta_top20", one
        "systema_common_direction_real", BestValue.Nothing
        "systema_common_direction_pred", BestValue.Nothing
        "perturbench_rank_rmse", zero
        "perturbench_rank_mae", zero
        "perturbench_rank_cosine_logfc", zero
        "perturbench_rank_pearson_logfc", zero
        "perturbench_cosine_logfc", one
        "perturbench_rmse", zero
        for name in
            [
                "euclidean"
                "pearson"
                "spearman"
                "cosine"
                "kendall"
                "r2"
                "sym_kl"
                "t"
                "ks"
                "energy"
                "mean_pairwise"
                "mmd_linear"
                "mmd_rbf"
                "mmd_poly"
                "wasserstein"
                "mahalanobis"
                "nb_ll"
            ] do
            $"distance_{name}", zero
    ]

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
        ofCells "clustering_agreement" one []
        for name, best in ofCellEval2Tables do
            further true (if isOfChallenge name then [ challenge2026 ] else []) name best
        for name, best in [ "pds_cosine", one; "expr_mse_unbiased_capped_norm", zero ] do
            further false [ challenge2026 ] name best
        for name, best in ofOthers do
            further false [] name best
    ]

    let private profiles = [
        "full", EvaluationProfile.Full
        "minimal", EvaluationProfile.Minimal
        "vcc", EvaluationProfile.VirtualCellChallenge
        "de", EvaluationProfile.De
        "anndata", EvaluationProfile.AnnData
        "pds", EvaluationProfile.Discrimination
        "vcc2026", EvaluationProfile.VirtualCellChallenge2026
        "extended", EvaluationProfile.Extended
    ]

    /// The names of profiles.
    let profileNames = List.map fst profiles

    /// The name of a profile; of measures by name, theirs.
    let profileName profile =
        match profile with
        | EvaluationProfile.Named names -> System.String.Join(",", names)
        | _ -> profiles |> List.find (fun (_, known) -> known = profile) |> fst

    /// The profile of this name.
    let parseProfile name : Result<EvaluationProfile, CoExprError> =
        match List.tryFind (fun (known, _) -> known = name) profiles with
        | Some(_, profile) -> Ok profile
        | None -> Error(CoExprError.UnknownLabel("--profile", name, profileNames))

    /// The measure of this name.
    let tryFind name =
        all |> List.tryFind (fun entry -> entry.Name = name)

    let private requireKnown option names =
        match names |> List.tryFind (tryFind >> Option.isNone) with
        | Some unknown -> Error(CoExprError.UnknownLabel(option, unknown, all |> List.map (fun entry -> entry.Name)))
        | None -> Ok()

    let private isIn profile entry =
        match profile with
        | EvaluationProfile.Named names -> List.contains entry.Name names
        | _ -> List.contains profile entry.Profiles

    /// The measures of a profile less those to skip; an unknown name is an UnknownLabel.
    let chosen profile (skipped: string list) : Result<MetricEntry list, CoExprError> =
        result {
            do! requireKnown "--skip-metrics" skipped

            match profile with
            | EvaluationProfile.Named names -> do! requireKnown "--metrics" names
            | _ -> ()

            let left =
                all
                |> List.filter (fun entry -> isIn profile entry && not (List.contains entry.Name skipped))

            return!
                if left.IsEmpty && not skipped.IsEmpty then
                    let names = String.concat "," skipped
                    Error(CoExprError.BadOption("--skip-metrics", names, "it leaves no measure"))
                else
                    Ok left
        }
