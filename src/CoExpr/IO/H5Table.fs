namespace CoExpr.IO

open CoExpr
open CoExpr.Hdf5

/// Tables of AnnData (obs, var) in every form they have had: a dataset of records up to 0.6, a group of columns since;
/// categories with their levels in uns, in `__categories`, or beside their codes.
module internal H5Table =

    /// How a column is stored.
    [<RequireQualifiedAccess>]
    type private Stored =
        | Values of Hdf5Dataset
        | Coded of codes: Hdf5Dataset * levels: Hdf5Dataset * ordered: bool
        | Masked of values: Hdf5Dataset * mask: Hdf5Dataset
        /// Something that is not read, and what.
        | Other of string

    let private isOrdered (attributes: Hdf5Attributes) =
        match attributes.Numbers<byte> "ordered" with
        | [| flag |] -> flag <> 0uy
        | _ -> false

    let private ofOneAxis (dataset: Hdf5Dataset) =
        if dataset.Shape.Count <> 1 then
            Stored.Other $"array of {dataset.Shape.Count} axes"
        elif dataset.Type.IsNumber || dataset.Type.Kind = Hdf5Kind.Text then
            Stored.Values dataset
        else
            Stored.Other dataset.Type.Name

    let private levelsOf (file: Hdf5File) (group: Hdf5Group) name (codes: Hdf5Dataset) =
        match codes.Attributes.Reference "categories" with
        | null when H5.isDataset group $"__categories/{name}" -> Some(group.Dataset $"__categories/{name}")
        | null -> None
        | path -> Some(file.Root.Dataset(path.TrimStart '/'))

    let private storedInGroup (column: Hdf5Group) =
        let both first second =
            H5.isDataset column first && H5.isDataset column second

        if both "codes" "categories" then
            Stored.Coded(column.Dataset "codes", column.Dataset "categories", isOrdered column.Attributes)
        elif both "values" "mask" then
            Stored.Masked(column.Dataset "values", column.Dataset "mask")
        else
            match column.Attributes.Text "encoding-type" with
            | null -> Stored.Other "group"
            | encoding -> Stored.Other encoding

    let private storedColumn (file: Hdf5File) (group: Hdf5Group) name =
        if H5.isGroup group name then
            storedInGroup (group.Group name)
        else
            let values = group.Dataset name

            match levelsOf file group name values with
            | Some levels -> Stored.Coded(values, levels, isOrdered levels.Attributes)
            | None -> ofOneAxis values

    let private indexOf (group: Hdf5Group) =
        match group.Attributes.Text "_index" with
        | null -> if H5.isDataset group "_index" then "_index" else "index"
        | name -> name

    let private columnNames (group: Hdf5Group) index =
        match group.Attributes.Texts "column-order" with
        | null ->
            group.Names
            |> Seq.filter (fun name -> name <> index && name <> "__categories")
            |> Array.ofSeq
        | names -> names

    /// The names of the rows and the stored columns of a table in a group.
    let private ofGroup (file: Hdf5File) (group: Hdf5Group) =
        let index = indexOf group

        let stored name =
            if H5.has group name then
                name, storedColumn file group name
            else
                H5.damaged file.Path $"{group.Path.TrimStart '/'} lists a column {name} that is not there."

        H5.dataset file.Path group index, columnNames group index |> Array.map stored

    let private recordIndex (records: Hdf5Dataset) =
        let named name =
            records.Type.Fields |> Seq.tryFind (fun field -> field.Name = name)

        let text =
            records.Type.Fields
            |> Seq.tryFind (fun field -> field.Type.Kind = Hdf5Kind.Text)

        [ named "index"; named "_index"; text ]
        |> List.tryPick id
        |> Option.map (fun field -> field.Name)

    /// The levels of a category of a table of records are in uns.
    let private storedField (file: Hdf5File) (records: Hdf5Dataset) (field: Hdf5Field) =
        let levels = $"uns/{field.Name}_categories"

        if field.Shape.Count > 0 then
            Stored.Other "array"
        elif field.Type.Kind = Hdf5Kind.Integer && H5.isDataset file.Root levels then
            Stored.Coded(records.Field field.Name, file.Root.Dataset levels, false)
        else
            ofOneAxis (records.Field field.Name)

    let private ofRecords (file: Hdf5File) (records: Hdf5Dataset) =
        match recordIndex records with
        | None -> H5.damaged file.Path $"{records.Name} has no field with the names of its rows."
        | Some index ->
            let others =
                records.Type.Fields
                |> Seq.filter (fun field -> field.Name <> index)
                |> Array.ofSeq

            records.Field index, others |> Array.map (fun field -> field.Name, storedField file records field)

    /// The names of the rows and the stored columns of the table at this path.
    let private stored (file: Hdf5File) path =
        match file.Root.KindOf path with
        | Hdf5Member.Group -> ofGroup file (file.Root.Group path)
        | Hdf5Member.Dataset -> ofRecords file (file.Root.Dataset path)
        | _ -> H5.damaged file.Path $"there is no {path}."

    let private category (file: Hdf5File) name (codes: int[]) levels ordered =
        let beyond = codes |> Array.tryFindIndex (fun code -> code >= Array.length levels)

        match beyond with
        | Some row -> H5.damaged file.Path $"column {name}: row {row} has level {codes[row]} of {Array.length levels}."
        | None ->
            Column.Category {
                Codes = codes |> Array.map (max -1)
                Levels = levels
                Ordered = ordered
            }

    let private masked (values: Hdf5Dataset) (mask: Hdf5Dataset) =
        let missing = mask.Read<byte>() |> Array.map (fun value -> value <> 0uy)

        match values.Type.Kind with
        | Hdf5Kind.Text ->
            Column.Text(Array.map2 (fun absent text -> if absent then null else text) missing (values.ReadTexts()))
        | Hdf5Kind.Flag -> Column.Flag(values.Read<byte>() |> Array.map ((<>) 0uy), missing)
        | Hdf5Kind.Float ->
            Column.Float(Array.map2 (fun absent value -> if absent then nan else value) missing (values.Read<float>()))
        | _ -> Column.Integer(values.Read<int64>(), missing)

    let private readValues (values: Hdf5Dataset) =
        match values.Type.Kind with
        | Hdf5Kind.Text -> Column.Text(values.ReadTexts())
        | Hdf5Kind.Flag -> Column.Flag(values.Read<byte>() |> Array.map ((<>) 0uy), [||])
        | Hdf5Kind.Float -> Column.Float(values.Read<float>())
        | _ -> Column.Integer(values.Read<int64>(), [||])

    let private readColumn file (name, stored) =
        match stored with
        | Stored.Other _ -> None
        | Stored.Values values -> Some(name, readValues values)
        | Stored.Masked(values, mask) -> Some(name, masked values mask)
        | Stored.Coded(codes, levels, ordered) ->
            Some(name, category file name (codes.Read<int>()) (H5.texts levels) ordered)

    /// The table at this path. Columns of kinds that a table does not have are left out; `contents` lists them.
    let read (file: Hdf5File) path =
        let index, columns = stored file path
        let names = H5.texts index

        let checkedColumn (name, column) =
            if Column.length column <> names.Length then
                H5.damaged file.Path $"column {name} of {path} has {Column.length column} rows of {names.Length}."

            name, column

        {
            Names = names
            Columns = columns |> Array.choose (readColumn file >> Option.map checkedColumn)
        }

    let private kind (dataset: Hdf5Dataset) =
        match dataset.Type.Kind with
        | Hdf5Kind.Text -> "text"
        | Hdf5Kind.Flag -> "flag"
        | Hdf5Kind.Float -> "float"
        | _ -> "integer"

    let private describe (name, stored) =
        let kind, levels =
            match stored with
            | Stored.Other what -> what, None
            | Stored.Values values
            | Stored.Masked(values, _) -> kind values, None
            | Stored.Coded(_, levels, _) -> "category", Some levels.Count

        {
            Name = name
            Kind = kind
            Levels = levels
        }

    /// The number of rows and the columns of the table at this path.
    let contents (file: Hdf5File) path =
        let index, columns = stored file path
        index.Count, columns |> Array.map describe |> List.ofArray
