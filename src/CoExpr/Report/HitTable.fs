namespace CoExpr

/// The strongest hits of all perturbations as a table.
[<RequireQualifiedAccess>]
module HitTable =

    let private hits (count: int) = Wording.counted (int64 count) "hit"

    /// Rows that a page still scrolls well.
    [<Literal>]
    let private Most = 500

    /// The strongest hits, and how many there are.
    let strongest (result: DifferentialResult) =
        let hits =
            Array.init result.Rows.QValue.Length id
            |> Array.filter (DifferentialHits.isHit result.Rows)
            |> Array.sortWith (DifferentialHits.stronger result)

        struct (Array.truncate Most hits, hits.Length)

    let private heads = [
        "Perturbation", "", "none"
        "Gene", "", "none"
        "log2 fold change", "number", "none"
        "−log10 p", "number", "descending"
        "q", "number", "none"
        "Mean", "number", "none"
        "Mean of reference", "number", "none"
    ]

    let private fold (rows: ContrastRows) place =
        if DifferentialHits.hasFold rows place then
            Wording.score rows.LogFoldChange[place]
        elif DifferentialHits.isUp rows place then
            "only in perturbed"
        else
            "none in perturbed"

    /// A q of 0 is one below the smallest double.
    let private rate (q: float) =
        if q > 0.0 then Wording.score q else "< 1E-307"

    let private nameCell element attributes (name: string) =
        Markup.Element(element, ("title", name) :: attributes, [ Markup.name name ])

    let private row (result: DifferentialResult) place =
        let rows, genes = result.Rows, result.GeneTable.Names

        let number (column: float[]) =
            Html.numberCell column[place] (Wording.score column[place])

        Markup.element "tr" [
            nameCell "th" [ "scope", "row" ] result.Perturbations[place / genes.Length]
            nameCell "td" [] genes[place % genes.Length]
            Html.numberCell rows.LogFoldChange[place] (fold rows place)
            Html.numberCell -rows.Log10P[place] (Wording.score -rows.Log10P[place])
            Html.numberCell rows.QValue[place] (rate rows.QValue[place])
            number rows.Mean
            number rows.ReferenceMean
        ]

    /// The section, which sorts by its columns and can be searched.
    let section id (result: DifferentialResult) =
        let struct (shown, all) = strongest result

        if all = 0 then
            Html.notice "Strongest hits" $"No gene of any perturbation has a q of at most {DifferentialHits.Level}."
        else
            let caption =
                if shown.Length = all then
                    $"All {hits all}, those of the lowest p first."
                else
                    $"The {shown.Length} of lowest p of {hits all}."

            let head =
                Markup.element "thead" [ Markup.element "tr" (heads |> List.map Html.sortableHead) ]

            {
                Heading = "Strongest hits"
                Content = [
                    Html.search "Search genes and perturbations" id
                    Html.tableOf id "hits" caption head (shown |> Array.map (row result) |> List.ofArray)
                    Html.reading (
                        "Means are what fold changes are of. Press a column's name to sort by it. A low p comes from a large "
                        + "effect or from many cells: look at both columns before following up a gene."
                    )
                ]
            }
