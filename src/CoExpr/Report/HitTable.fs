namespace CoExpr

/// The strongest hits of all perturbations as a table.
[<RequireQualifiedAccess>]
module HitTable =

    let private hits count = Wording.counted count "hit"

    let private heads = [
        "Perturbation", "", "none"
        "Gene", "", "none"
        "log2 fold change", "number", "none"
        "−log10 p", "number", "descending"
        "q", "number", "none"
        "Mean", "number", "none"
        "Mean of reference", "number", "none"
    ]

    let private fold hit =
        if hit.HasFold then Wording.score hit.LogFoldChange
        elif hit.IsUp then "only in perturbed"
        else "none in perturbed"

    /// A q of 0 is one below the smallest double.
    let private rate (q: float) =
        if q > 0.0 then Wording.score q else "< 1E-307"

    let private nameCell element attributes (name: string) =
        Markup.Element(element, ("title", name) :: attributes, [ Markup.name name ])

    let private row (result: DifferentialResult) hit =
        let number value =
            Html.numberCell value (Wording.score value)

        Markup.element "tr" [
            nameCell "th" [ "scope", "row" ] result.Perturbations[hit.Perturbation]
            nameCell "td" [] result.GeneTable.Names[hit.Gene]
            Html.numberCell hit.LogFoldChange (fold hit)
            number -hit.Log10P
            Html.numberCell hit.QValue (rate hit.QValue)
            number hit.Mean
            number hit.ReferenceMean
        ]

    /// The section, which sorts by its columns and can be searched.
    let section id (found: DifferentialHighlights) =
        let shown, all = found.Strongest, DifferentialHighlights.allHits found

        if all = 0L then
            Html.notice "Strongest hits" $"No gene of any perturbation has a q of at most {DifferentialHits.Level}."
        else
            let caption =
                if shown.LongLength = all then
                    $"All {hits all}, those of the lowest p first."
                else
                    $"The {shown.Length} of lowest p of {hits all}."

            let head =
                Markup.element "thead" [ Markup.element "tr" (heads |> List.map Html.sortableHead) ]

            {
                Heading = "Strongest hits"
                Content = [
                    Html.search "Search genes and perturbations" id
                    Html.tableOf id "hits" caption head (shown |> Array.map (row found.Result) |> List.ofArray)
                    Html.reading (
                        "Means are what fold changes are of. Press a column's name to sort by it. A low p comes from a large "
                        + "effect or from many cells: look at both columns before following up a gene."
                    )
                ]
            }
