namespace CoExpr

/// The report's figures, as Vega-Lite specifications made from plain arrays.
///
/// Colours of heat maps are named ranges ("heatmap", "diverging"), to which the page gives a light and a dark form.
[<RequireQualifiedAccess>]
module Figures =

    /// The number of pairs in each bin of scores, on a logarithmic axis; `edges` is one longer than `counts` and rises.
    /// A bin without pairs has no bar. Throws ArgumentException for edges or counts that are no histogram.
    let scoreDistribution quantity (edges: float[]) (counts: int64[]) =
        ScoreDistribution.check edges counts
        let pairs = Wording.counted (Array.sum counts) "pair"

        let sides =
            if quantity.Signed then
                " Blue lies below 0, orange above."
            else
                ""

        {
            Title = $"How {quantity.Name} is distributed"
            Caption = $"{Quantity.title quantity} of {pairs} of genes, in {counts.Length} bins.{sides}"
            Reading =
                "Each bar counts the pairs whose score lies between its two edges. The axis of counts is logarithmic, "
                + "or the few strong pairs at the end would not be seen beside the many near zero. A long tail that "
                + "stands clear of the bulk is where to look for co-expression. Point at a bar to read how many pairs a "
                + "threshold there would keep."
            Spec = ScoreDistribution.spec quantity edges counts
        }

    /// Every pair of some genes as a coloured square. `matrix` is names × names, row by row, of which the part above
    /// the diagonal is read; NaN is a pair that was not kept and stays blank, as does the diagonal. Genes stand in the
    /// order of average-linkage clusters with the best order of leaves, which does not depend on the order given.
    /// Throws ArgumentException for a matrix of another size or an infinite score.
    let clusteredHeatMap quantity (names: string[]) (matrix: float[]) =
        ClusteredHeatMap.check names matrix
        let order = ClusteredHeatMap.order names matrix
        let names = order |> Array.map (fun gene -> names[gene])

        let pairs =
            ClusteredHeatMap.reordered order matrix
            |> ClusteredHeatMap.keptPairs names.Length

        let shown = Wording.counted pairs.Length "pair"

        {
            Title = "Genes by cluster"
            Caption =
                $"{Quantity.title quantity} of {shown} among {names.Length} genes, clustered by average linkage. "
                + "Blank: the diagonal, and pairs that were not kept."
                + ClusteredHeatMap.saturation quantity pairs
            Reading =
                "Rows and columns are the same genes in the same order, so the map mirrors at its diagonal. Genes that "
                + "score highly with each other stand side by side and form blocks: candidates for one programme, cell "
                + "type or complex. Which block stands next to which is the order that keeps neighbours similar, and "
                + "says nothing more. A block may also come from a mixture of cell types rather than from regulation "
                + "within one."
            Spec = ClusteredHeatMap.spec quantity names pairs
        }
