namespace CoExpr

open System

/// Real and predicted cells of one type, and the tables of it.
type CellTypePart = {
    Name: string
    Cells: (Cells * Cells) option
    Tables: (DeTable * DeTable) option
}

/// Evaluation cell type by cell type, each for itself, and all of them together.
[<RequireQualifiedAccess>]
module CellTypes =

    let private only (names: string[]) (others: string[]) =
        Array.except others names |> Array.toList

    let private requireSame kind isPartial first (ofFirst: string[]) second (ofSecond: string[]) =
        match only ofFirst ofSecond, only ofSecond ofFirst with
        | [], [] -> Ok()
        | _, [] when isPartial -> Ok()
        | onlyFirst, onlySecond ->
            let advice =
                "Both must have the same cell types; a prediction may leave some out with --partial."

            Error(CoExprError.DifferentNames(kind, first, onlyFirst, second, onlySecond, advice))

    let private ofType (groups: Groups) (cells: Cells) name =
        let group = Array.IndexOf(groups.Labels, name)
        let members = Groups.members group groups |> Array.sort

        {
            Cells.takeCells members cells with
                Source = $"{cells.Source} ({name})"
        }

    /// The cells of each type by a column of the cell table; cells without a type are in none. Errors: no such column on a
    /// side, a type with a line break, types that only one side has.
    let split column isPartial (real: Cells) (predicted: Cells) : Result<CellTypePart list, CoExprError> =
        result {
            let! ofReal = Groups.create [ column ] None real
            let! ofPredicted = Groups.create [ column ] None predicted
            do! PerturbationSides.requireOneLine column real ofReal
            do! PerturbationSides.requireOneLine column predicted ofPredicted

            do!
                requireSame
                    $"The cell types of column {column}"
                    isPartial
                    real.Source
                    ofReal.Labels
                    predicted.Source
                    ofPredicted.Labels

            return [
                for name in ofPredicted.Labels ->
                    {
                        Name = name
                        Cells = Some(ofType ofReal real name, ofType ofPredicted predicted name)
                        Tables = None
                    }
            ]
        }

    let private unpredicted (real: string[]) (predicted: string[]) = [
        match only real predicted with
        | [] -> ()
        | left ->
            let names = String.Join(", ", left)
            $"{left.Length} of the {real.Length} cell types are not predicted and take no part: {names}."
    ]

    /// What was left out in splitting: types that a partial prediction lacks, and cells without a type.
    let notes column (real: Cells) (predicted: Cells) : Result<string list, CoExprError> =
        result {
            let! ofReal = Groups.create [ column ] None real
            let! ofPredicted = Groups.create [ column ] None predicted

            return [
                yield! unpredicted ofReal.Labels ofPredicted.Labels
                yield! PerturbationSides.unlabelledNotes "real" column real ofReal
                yield! PerturbationSides.unlabelledNotes "predicted" column predicted ofPredicted
            ]
        }

    let private keys (tables: Map<string, DeTable>) = tables |> Map.toArray |> Array.map fst

    /// The same of tables without cells: types that a partial prediction lacks.
    let tableNotes (real: Map<string, DeTable>) (predicted: Map<string, DeTable>) : string list =
        unpredicted (keys real) (keys predicted)

    /// Tables of each type beside its cells, or by themselves. Both must have the types of the cells, and the same ones.
    let withTables
        column
        isPartial
        (real: Map<string, DeTable>)
        (predicted: Map<string, DeTable>)
        (parts: CellTypePart list)
        : Result<CellTypePart list, CoExprError> =
        let kind = $"The cell types of column {column}"

        let names =
            match parts with
            | [] -> keys predicted
            | _ -> [| for part in parts -> part.Name |]

        result {
            do! requireSame kind isPartial "the real table" (keys real) "the predicted table" (keys predicted)
            do! requireSame kind isPartial "the tables" (keys predicted) "the cells" names

            return [
                for name in names ->
                    {
                        Name = name
                        Cells = parts |> List.tryFind (fun part -> part.Name = name) |> Option.bind _.Cells
                        Tables = Some(real[name], predicted[name])
                    }
            ]
        }

    /// The name of a perturbation in cells of a type, among all types.
    let private joined cellType perturbation = $"{cellType}|{perturbation}"

    let private column (parts: (string * EvaluationResult)[]) perturbations name =
        let pieces =
            parts
            |> Array.collect (fun (cellType, found) ->
                match found.Columns |> Array.tryFind (fun column -> column.Name = name) with
                | None -> [||]
                | Some column ->
                    found.Perturbations
                    |> Array.mapi (fun row one -> joined cellType one, column.Values[row], column.IsAbsent[row]))

        let isOfAll =
            parts
            |> Array.exists (fun (_, found) ->
                found.Columns |> Array.exists (fun column -> column.Name = name && column.OfAll))

        MetricColumn.onto perturbations (pieces |> Array.map (fun (name, _, _) -> name)) {
            Name = name
            Values = pieces |> Array.map (fun (_, value, _) -> value)
            IsAbsent = pieces |> Array.map (fun (_, _, absent) -> absent)
            OfAll = isOfAll
        }

    let private prefixed kind (parts: (string * EvaluationResult)[]) pick = [
        for cellType, found in parts do
            for words: string in pick found -> $"{kind} {cellType}: {words}"
    ]

    /// All types together: a row for each perturbation of each type, named "type|perturbation", so that an aggregate counts
    /// each of them once. Of a measure that is one number of all perturbations every row has that of its type.
    let together (parts: (string * EvaluationResult)[]) : EvaluationResult =
        let results = parts |> Array.map snd

        let perturbations =
            parts
            |> Array.collect (fun (cellType, found) -> found.Perturbations |> Array.map (joined cellType))
            |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))

        let names =
            results
            |> Array.collect (fun found -> found.Columns |> Array.map (fun column -> column.Name))
            |> Array.distinct

        let cells pick =
            results
            |> Array.sumBy (fun found ->
                let struct (real, predicted) = found.Cells
                pick real predicted)

        {
            Perturbations = perturbations
            Columns = names |> Array.map (column parts perturbations)
            Cells = struct (cells (fun real _ -> real), cells (fun _ predicted -> predicted))
            Genes = results |> Array.map (fun found -> found.Genes) |> Array.max
            Notes = prefixed "Cell type" parts (fun found -> found.Notes)
            Warnings = prefixed "Cell type" parts (fun found -> found.Warnings)
            Costs = [
                for cellType, found in parts do
                    for cost in found.Costs ->
                        {
                            cost with
                                Stage = $"{cellType}: {cost.Stage}"
                        }
            ]
            Pooled = []
        }
