namespace CoExpr.IO

open System
open CoExpr
open CoExpr.Hdf5

/// The parts of AnnData in the form that its version 0.8 set and later ones read: every element names its encoding.
module internal H5Writing =

    let private encode (attributes: Hdf5Attributes) encoding version =
        attributes.WriteText("encoding-type", encoding)
        attributes.WriteText("encoding-version", version)

    let private array (dataset: Hdf5Dataset) =
        encode dataset.Attributes "array" "0.2.0"

    let private texts (group: Hdf5Group) name (values: string[]) =
        encode (group.WriteTexts(name, values)).Attributes "string-array" "0.2.0"

    /// A group whose members have names.
    let dictionary (group: Hdf5Group) name =
        let made = group.CreateGroup name
        encode made.Attributes "dict" "0.1.0"
        made

    let private numbers<'T
        when 'T: unmanaged and 'T: (new: unit -> 'T) and 'T: struct and 'T :> ValueType and 'T :> Numerics.INumber<'T>>
        storage
        (group: Hdf5Group)
        name
        (values: 'T[])
        =
        array (group.Write(name, ReadOnlySpan values, storage))

    let private flags storage (group: Hdf5Group) name (values: bool[]) =
        array (group.WriteFlags(name, values, storage))

    /// Codes on as few bytes as they need, as pandas has them.
    let private codes storage (group: Hdf5Group) (codes: int[]) levels =
        if levels <= int SByte.MaxValue then
            numbers storage group "codes" (Array.map sbyte codes)
        elif levels <= int Int16.MaxValue then
            numbers storage group "codes" (Array.map int16 codes)
        else
            numbers storage group "codes" codes

    let private category storage (group: Hdf5Group) name (categories: Categories) =
        let made = group.CreateGroup name
        encode made.Attributes "categorical" "0.2.0"
        made.Attributes.WriteFlag("ordered", categories.Ordered)
        codes storage made categories.Codes categories.Levels.Length
        texts made "categories" categories.Levels

    /// Values and where they are missing.
    let private nullable storage (group: Hdf5Group) name encoding missing writeValues =
        let made = group.CreateGroup name
        encode made.Attributes encoding "0.1.0"
        writeValues made "values"
        flags storage made "mask" missing

    let private column storage group name column =
        match column with
        // AnnData before 0.11 has no text with gaps, but categories with gaps in every version.
        | Column.Text values when Array.exists isNull values ->
            match Column.categories values with
            | Column.Category categories -> category storage group name categories
            | _ -> ()
        | Column.Text values -> texts group name values
        | Column.Category categories -> category storage group name categories
        | Column.Float values -> numbers storage group name values
        | Column.Integer(values, [||]) -> numbers storage group name values
        | Column.Integer(values, missing) ->
            nullable storage group name "nullable-integer" missing (fun made part -> numbers storage made part values)
        | Column.Flag(values, [||]) -> flags storage group name values
        | Column.Flag(values, missing) ->
            nullable storage group name "nullable-boolean" missing (fun made part -> flags storage made part values)

    /// obs and var.
    let table storage (group: Hdf5Group) name (table: Table) =
        let made = group.CreateGroup name
        encode made.Attributes "dataframe" "0.2.0"
        made.Attributes.WriteText("_index", "_index")
        made.Attributes.WriteTexts("column-order", Array.map fst table.Columns)
        texts made "_index" table.Names

        for name, values in table.Columns do
            column storage made name values

    let private compressed storage (group: Hdf5Group) name (rows: int) (columns: int) (starts: int64[]) indices =
        let made = group.CreateGroup name
        encode made.Attributes "csr_matrix" "0.1.0"
        made.Attributes.WriteNumbers("shape", [| int64 rows; int64 columns |])

        // Python keeps both in 32 bits where they fit, and scipy wants both of one type.
        if starts[starts.Length - 1] <= int64 Int32.MaxValue then
            made.Write("indptr", ReadOnlySpan(Array.map int starts), storage) |> ignore
        else
            made.Write("indptr", ReadOnlySpan starts, storage) |> ignore

        made.Write("indices", ReadOnlySpan<int>(indices: int[]), storage) |> ignore
        made

    let private rows<'T
        when 'T: unmanaged and 'T: (new: unit -> 'T) and 'T: struct and 'T :> ValueType and 'T :> Numerics.INumber<'T>>
        storage
        (group: Hdf5Group)
        name
        (rows: int64)
        columns
        (blocks: seq<'T[]>)
        =
        use writer = group.CreateMatrix<'T>(name, rows, columns, storage)

        for block in blocks do
            writer.Append(ReadOnlySpan block)

        writer.Close()
        array (group.Dataset name)

    /// Any matrix.
    let matrix storage (group: Hdf5Group) name part =
        match part with
        | MatrixPart.Dense matrix -> rows storage group name matrix.Rows matrix.Columns [ matrix.Values ]
        | MatrixPart.Rows(height, columns, blocks) -> rows storage group name height columns blocks
        | MatrixPart.RowsSingle(height, columns, blocks) -> rows storage group name height columns blocks
        | MatrixPart.Counts counts ->
            let byCell = counts.ByCell

            let made =
                compressed storage group name counts.Cells counts.Genes byCell.Starts byCell.Indices

            made.Write("data", ReadOnlySpan byCell.Values, storage) |> ignore
        | MatrixPart.Sparse(height, columns, starts, indices, values) ->
            let made = compressed storage group name height columns starts indices
            made.Write("data", ReadOnlySpan values, storage) |> ignore
        | MatrixPart.SparseIntegers(height, columns, starts, indices, values) ->
            let made = compressed storage group name height columns starts indices
            made.Write("data", ReadOnlySpan values, storage) |> ignore

    let private scalar (dataset: Hdf5Dataset) =
        encode dataset.Attributes "numeric-scalar" "0.2.0"

    let private records (dataset: Hdf5Dataset) =
        encode dataset.Attributes "rec-array" "0.2.0"

    let private unzipped (fields: (string * 'a) list) =
        let names, values = List.unzip fields
        Array.ofList names, Array.ofList values

    /// uns.
    let rec unstructured storage (group: Hdf5Group) name value =
        match value with
        | Unstructured.Text text -> encode (group.WriteText(name, text)).Attributes "string" "0.2.0"
        | Unstructured.Float number -> scalar (group.WriteNumber(name, number))
        | Unstructured.Integer number -> scalar (group.WriteNumber(name, number))
        | Unstructured.Flag flag -> scalar (group.WriteFlag(name, flag))
        | Unstructured.Texts values -> texts group name values
        | Unstructured.Floats values -> numbers storage group name values
        | Unstructured.Integers values -> numbers storage group name values
        | Unstructured.Flags values -> flags storage group name values
        | Unstructured.Matrix part -> matrix storage group name part
        | Unstructured.Table values -> table storage group name values
        | Unstructured.NumberRecords fields ->
            let names, values = unzipped fields
            records (group.WriteRecords(name, names, values))
        | Unstructured.TextRecords fields ->
            let names, values = unzipped fields
            records (group.WriteRecords(name, names, values))
        | Unstructured.Group members ->
            let made = dictionary group name

            for name, value in members do
                unstructured storage made name value

    /// A whole file: X first, if there is one, then everything under the name that AnnData has for it.
    let parts storage (file: Hdf5File) (parts: AnnDataParts) =
        let root = file.Root
        encode root.Attributes "anndata" "0.1.0"
        parts.Matrix |> Option.iter (matrix storage root "X")
        table storage root "obs" parts.CellTable
        table storage root "var" parts.GeneTable

        let matrices name members =
            let made = dictionary root name

            for name, part in members do
                matrix storage made name part

        matrices "layers" parts.Layers
        matrices "obsm" parts.CellMatrices
        matrices "varm" parts.GeneMatrices
        matrices "obsp" parts.CellPairs
        matrices "varp" parts.GenePairs
        unstructured storage root "uns" (Unstructured.Group parts.Unstructured)
