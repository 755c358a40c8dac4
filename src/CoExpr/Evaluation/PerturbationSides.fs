namespace CoExpr

open System
open System.Collections.Generic

/// How two sets of cells, real and predicted, are put side by side.
type SideOptions = {
    /// The column of the cell table that names each cell's perturbation.
    Column: string
    Control: string
    Values: ScaleChoice
    /// Whether a prediction may leave out perturbations.
    Partial: bool
    Threads: int
}

/// One side: cells grouped by perturbation, and their values in the order of the real side's genes.
type PerturbationSide = {
    Groups: Groups
    Values: CellValues
    /// Counts, of which values are logarithms.
    Amounts: CellValues
    Scale: ExpressionScale
    Bulk: MeanProfiles
}

/// Real cells with what an evaluation needs of them, whatever the prediction.
type RealCells = { Cells: Cells; Side: PerturbationSide }

/// Real and predicted cells, checked against each other.
type PerturbationSides = {
    Genes: string[]
    Real: PerturbationSide
    Predicted: PerturbationSide
    Profiles: PerturbationProfiles
    /// What was done that a reader should know.
    Notes: string list
}

/// Checks what an evaluation takes for granted: the same genes, the same perturbations, a control on both sides.
[<RequireQualifiedAccess>]
module PerturbationSides =

    let private names (source: string) what = $"{source} ({what})"

    let private differentGenes (real: Cells) onlyReal (predicted: Cells) onlyPredicted =
        CoExprError.DifferentNames(
            "The genes",
            names real.Source "real",
            onlyReal,
            names predicted.Source "predicted",
            onlyPredicted,
            "Both sides must have the same genes; their order does not matter."
        )

    /// The place of each predicted gene among the real ones, and whether the order had to be changed.
    let private geneOrder (real: Cells) (predicted: Cells) =
        let ofReal, ofPredicted = real.GeneTable.Names, predicted.GeneTable.Names

        if ofReal = ofPredicted then
            Ok([| 0 .. ofReal.Length - 1 |], [])
        else
            let places = Dictionary<string, int>()
            ofReal |> Array.iteri (fun at gene -> places.TryAdd(gene, at) |> ignore)
            let set = HashSet ofPredicted
            let onlyReal = ofReal |> Array.filter (set.Contains >> not) |> Array.toList

            let onlyPredicted =
                ofPredicted |> Array.filter (places.ContainsKey >> not) |> Array.toList

            if onlyReal.IsEmpty && onlyPredicted.IsEmpty then
                // With a gene at two places there is no telling which is which.
                [ real; predicted ]
                |> List.tryPick (fun cells -> Cells.duplicateGene cells.Source cells.GeneTable.Names)
                |> function
                    | Some error -> Error error
                    | None ->
                        Ok(
                            ofPredicted |> Array.map (fun gene -> places[gene]),
                            [
                                "The predicted genes came in another order and were put in that of the real ones."
                            ]
                        )
            elif onlyReal.IsEmpty || onlyPredicted.IsEmpty then
                // A gene that stands twice has often taken the place of one that is missing.
                Error(
                    Cells.duplicateGene predicted.Source ofPredicted
                    |> Option.orElse (Cells.duplicateGene real.Source ofReal)
                    |> Option.defaultValue (differentGenes real onlyReal predicted onlyPredicted)
                )
            else
                Error(differentGenes real onlyReal predicted onlyPredicted)

    let private checkLabels
        (options: SideOptions)
        (real: Cells)
        (predicted: Cells)
        (ofReal: Groups)
        (ofPredicted: Groups)
        =
        let missing (from: string[]) (within: string[]) =
            Array.except within from |> Array.toList

        let onlyReal = missing ofReal.Labels ofPredicted.Labels
        let onlyPredicted = missing ofPredicted.Labels ofReal.Labels

        if onlyPredicted.IsEmpty && (onlyReal.IsEmpty || options.Partial) then
            Ok()
        else
            Error(
                CoExprError.DifferentNames(
                    $"The labels of column {options.Column}",
                    names real.Source "real",
                    onlyReal,
                    names predicted.Source "predicted",
                    onlyPredicted,
                    (if onlyPredicted.IsEmpty then
                         "To score a prediction of some perturbations among all real ones, say --partial."
                     else
                         "Every predicted perturbation must be a real one.")
                )
            )

    /// Names a few of the real perturbations that a partial prediction leaves out.
    let private partialNotes (ofReal: Groups) (ofPredicted: Groups) =
        match Array.except ofPredicted.Labels ofReal.Labels with
        | [||] -> []
        | left ->
            let named =
                String.Join(", ", Array.truncate 5 left)
                + (if left.Length > 5 then ", ..." else "")

            [
                $"{left.Length} of the {ofReal.Labels.Length - 1} real perturbations are not predicted and take no part: {named}. Measures are not to be set beside those of predictions of all."
            ]

    /// Tells of cells that have no label.
    let internal unlabelledNotes side column (cells: Cells) (groups: Groups) =
        match cells.Counts.Cells - groups.Order.Length with
        | 0 -> []
        | missing -> [
            $"{missing} of the {cells.Counts.Cells} {side} cells have no label in column {column} and take no part."
          ]

    /// Refuses labels that would break the lines of the tables of results, which are read line by line.
    let internal requireOneLine column (cells: Cells) (groups: Groups) =
        match groups.Labels |> Array.tryFindIndex (fun label -> label.Contains '\n') with
        | None -> Ok()
        | Some at ->
            let cell = cells.CellTable.Names[(Groups.members at groups)[0]]
            let label = groups.Labels[at].Replace("\r", "\\r").Replace("\n", "\\n")

            Error(
                CoExprError.UnknownFormat(
                    cells.Source,
                    $"the label of cell {cell} in column {column} holds a line break ({label}), which a row of a table cannot; rename it."
                )
            )

    let private requireTwo (cells: Cells) (groups: Groups) =
        let count = groups.Labels.Length - 1

        if count >= 2 then
            Ok()
        else
            let advice =
                "Ranks and correlations over perturbations need two beside the control."

            Error(CoExprError.TooFew($"perturbations of {cells.Source}", int64 count, 2L, advice))

    let private side (options: SideOptions) place allowMissing (cells: Cells) groups =
        ExpressionScale.settle allowMissing options.Values cells
        |> Result.map (fun scale ->
            let values = ExpressionScale.values scale place cells.Counts

            {
                Groups = groups
                Values = values
                Amounts = ExpressionScale.amounts scale place cells.Counts
                Scale = scale
                Bulk = MeanProfiles.compute options.Threads groups values
            })

    let private scaleNotes (real: PerturbationSide) (predicted: PerturbationSide) =
        if real.Scale = predicted.Scale then
            [ $"Values: {ExpressionScale.describe real.Scale}." ]
        else
            [
                $"Real values: {ExpressionScale.describe real.Scale}. Predicted values: {ExpressionScale.describe predicted.Scale}."
            ]

    /// Groups real cells by perturbation and takes their means. Errors: no such column or control; a label with a line break;
    /// fewer than two perturbations; a value outside the range of its scale, or NaN.
    let real (options: SideOptions) (cells: Cells) : Result<RealCells, CoExprError> =
        result {
            let! groups = Groups.create [ options.Column ] (Some options.Control) cells
            do! requireOneLine options.Column cells groups
            do! requireTwo cells groups
            let same = Array.init cells.GeneTable.Names.Length id
            let! side = side options same false cells groups
            return { Cells = cells; Side = side }
        }

    /// Puts predicted cells beside real ones. Errors: no such column or control; a label with a line break; labels or
    /// genes that only one side has, both lists, but DuplicateName where a gene that stands twice explains it; a value outside
    /// the range of its scale. Genes in another order are put in that of the real side, with a note; NaN is allowed.
    let beside (options: SideOptions) (real: RealCells) (predicted: Cells) : Result<PerturbationSides, CoExprError> =
        result {
            let! ofPredicted = Groups.create [ options.Column ] (Some options.Control) predicted
            do! requireOneLine options.Column predicted ofPredicted
            do! checkLabels options real.Cells predicted real.Side.Groups ofPredicted
            let! place, orderNotes = geneOrder real.Cells predicted
            let! predictedSide = side options place true predicted ofPredicted
            let genes = real.Cells.GeneTable.Names

            return {
                Genes = genes
                Real = real.Side
                Predicted = predictedSide
                Profiles = Effects.profiles options.Control genes real.Side.Bulk predictedSide.Bulk
                Notes =
                    orderNotes
                    @ partialNotes real.Side.Groups ofPredicted
                    @ unlabelledNotes "real" options.Column real.Cells real.Side.Groups
                    @ unlabelledNotes "predicted" options.Column predicted ofPredicted
                    @ scaleNotes real.Side predictedSide
            }
        }

    /// Groups both sides by perturbation and takes their means: see `real` and `beside` for the errors.
    let create options (cells: Cells) (predicted: Cells) : Result<PerturbationSides, CoExprError> =
        real options cells |> Result.bind (fun real -> beside options real predicted)
