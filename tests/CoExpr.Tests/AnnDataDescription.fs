namespace CoExpr.Tests

open System
open System.Runtime.InteropServices
open System.Security.Cryptography
open System.Text
open CoExpr
open CoExpr.IO

/// The same lines as Python/describe.py prints, of what CoExpr has in memory.
module AnnDataDescription =

    let private bytes<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (values: 'T[]) =
        MemoryMarshal.AsBytes(ReadOnlySpan values).ToArray()

    let private texts (values: string[]) =
        Encoding.UTF8.GetBytes(String.Join('\n', values))

    let private line name kind (parts: byte[] list) =
        let joined = parts |> List.reduce (fun a b -> Array.concat [ a; "|"B; b ])
        let hash = Convert.ToHexStringLower(SHA256.HashData joined)
        $"{name} {kind} {hash[..15]}"

    let private flags (values: bool[]) =
        values |> Array.map (fun value -> if value then 1uy else 0uy)

    let private blank fill (missing: bool[]) values =
        values
        |> Array.mapi (fun i value -> if missing.Length > 0 && missing[i] then fill else value)

    let private column name column =
        match column with
        | Column.Category categories ->
            let ordered = if categories.Ordered then "1"B else "0"B
            line name "category" [ texts categories.Levels; bytes categories.Codes; ordered ]
        | Column.Integer(values, missing) -> line name "integer" [ bytes (blank 0L missing values); flags missing ]
        | Column.Flag(values, missing) -> line name "flag" [ flags (blank false missing values); flags missing ]
        | Column.Float values -> line name "float" [ bytes values ]
        | Column.Text values -> line name "text" [ texts values ]

    let table name (table: Table) = [
        line $"{name}/_index" "text" [ texts table.Names ]
        for key, values in table.Columns do
            column $"{name}/{key}" values
    ]

    let counts name (counts: SparseCounts) =
        let m = counts.ByCell
        line name $"sparse-{counts.Cells}x{counts.Genes}" [ bytes m.Starts; bytes m.Indices; bytes m.Values ]

    let private dense name (matrix: Matrix) =
        line name $"dense-{matrix.Rows}x{matrix.Columns}" [ bytes matrix.Values ]

    let private sparse name rows columns (starts: int64[]) (indices: int[]) (values: float[]) =
        line name $"sparse-{rows}x{columns}" [ bytes starts; bytes indices; bytes values ]

    /// A matrix where Python hashes it as sparse float64.
    let private pair name part =
        let ofDense (matrix: Matrix) =
            let filled = [|
                for i in 0 .. matrix.Values.Length - 1 do
                    if matrix.Values[i] <> 0.0 then
                        i
            |]

            let perRow = filled |> Array.countBy (fun i -> i / matrix.Columns) |> dict

            let starts =
                Array.init matrix.Rows (fun row ->
                    match perRow.TryGetValue row with
                    | true, count -> int64 count
                    | _ -> 0L)
                |> Array.scan (+) 0L

            let indices = filled |> Array.map (fun i -> i % matrix.Columns)
            sparse name matrix.Rows matrix.Columns starts indices (filled |> Array.map (fun i -> matrix.Values[i]))

        match part with
        | MatrixPart.Dense matrix -> ofDense matrix
        | MatrixPart.Rows(rows, columns, blocks) ->
            ofDense {
                Rows = int rows
                Columns = int columns
                Values = Array.concat blocks
            }
        | MatrixPart.Sparse(rows, columns, starts, indices, values) -> sparse name rows columns starts indices values
        | MatrixPart.SparseIntegers(rows, columns, starts, indices, values) ->
            sparse name rows columns starts indices (Array.map float values)
        | MatrixPart.Counts counts ->
            let m = counts.ByCell
            sparse name counts.Cells counts.Genes m.Starts m.Indices (Array.map float m.Values)
        | MatrixPart.RowsSingle(rows, columns, blocks) ->
            ofDense {
                Rows = int rows
                Columns = int columns
                Values = blocks |> Seq.collect (Array.map float) |> Array.ofSeq
            }

    let private perLine name part =
        match part with
        | MatrixPart.Dense matrix -> dense name matrix
        | MatrixPart.RowsSingle(rows, columns, blocks) ->
            dense name {
                Rows = int rows
                Columns = int columns
                Values = blocks |> Seq.collect (Array.map float) |> Array.ofSeq
            }
        | other -> invalidArg (nameof part) $"{other}"

    let private single name part =
        match part with
        | MatrixPart.Counts matrix -> counts name matrix
        | MatrixPart.Dense matrix ->
            counts name (SparseCounts.OfDense(matrix.Rows, matrix.Columns, Array.map float32 matrix.Values))
        | other -> invalidArg (nameof part) $"{other}"

    let rec private unstructured name value =
        match value with
        | Unstructured.Text text -> [ line name "string" [ Encoding.UTF8.GetBytes text ] ]
        | Unstructured.Float number -> [ line name "scalar-float64" [ bytes [| number |] ] ]
        | Unstructured.Integer number -> [ line name "scalar-int64" [ bytes [| number |] ] ]
        | Unstructured.Flag flag -> [ line name "scalar-bool" [ flags [| flag |] ] ]
        | Unstructured.Texts values -> [ line name "texts" [ texts values ] ]
        | Unstructured.Floats values -> [ line name "array-float64" [ bytes values ] ]
        | Unstructured.Integers values -> [ line name "array-int64" [ bytes values ] ]
        | Unstructured.Flags values -> [ line name "array-bool" [ flags values ] ]
        | Unstructured.Matrix part -> [ pair name part ]
        | Unstructured.Table values -> table name values
        | Unstructured.NumberRecords fields -> [
            for field, values in fields do
                yield! unstructured $"{name}[{field}]" (Unstructured.Floats values)
          ]
        | Unstructured.TextRecords fields -> [
            for field, values in fields do
                yield! unstructured $"{name}[{field}]" (Unstructured.Texts values)
          ]
        | Unstructured.Group members -> members |> List.collect (fun (key, value) -> unstructured $"{name}/{key}" value)

    let private each describe kind members =
        members |> List.map (fun (name, part) -> describe $"{kind}/{name}" part)

    /// Everything that a file was made of.
    let ofParts (parts: AnnDataParts) =
        List.concat [
            parts.Matrix |> Option.map (single "X") |> Option.toList
            table "obs" parts.CellTable
            table "var" parts.GeneTable
            each single "layers" parts.Layers
            each perLine "obsm" parts.CellMatrices
            each perLine "varm" parts.GeneMatrices
            each pair "obsp" parts.CellPairs
            each pair "varp" parts.GenePairs
            unstructured "uns" (Unstructured.Group parts.Unstructured)
        ]

    /// Everything that was read from a file.
    let ofCells (cells: Cells) geneMatrices =
        let read (named: Named<_>) = named.Read() |> CoExprError.unwrap

        let matrices kind =
            List.map (fun (named: Named<Matrix>) -> dense $"{kind}/{named.Name}" (read named))

        List.concat [
            [ counts "X" cells.Counts ]
            table "obs" cells.CellTable
            table "var" cells.GeneTable
            cells.Layers
            |> List.map (fun layer -> counts $"layers/{layer.Name}" (read layer))
            matrices "obsm" cells.Embeddings
            matrices "varm" geneMatrices
        ]
