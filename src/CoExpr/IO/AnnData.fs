namespace CoExpr.IO

open System
open CoExpr
open CoExpr.Hdf5

/// Reading .h5ad, the file format of Python's AnnData, as every version since 0.5 wrote it.
[<RequireQualifiedAccess>]
module AnnData =

    /// The raw matrix and its genes have stood at two places.
    let private rawPaths (file: Hdf5File) =
        if H5.has file.Root "raw/X" then Some("raw/X", "raw/var")
        elif H5.has file.Root "raw.X" then Some("raw.X", "raw.var")
        else None

    /// A matrix that is there and is one.
    let private found (file: Hdf5File) path =
        match H5Matrix.find file path with
        | Some(H5Matrix.Stored.Other "nothing") -> None
        | stored -> stored

    /// What can be asked for instead of a matrix that is not there.
    let private otherMatrices (file: Hdf5File) = [
        if (found file "X").IsSome then
            "X"

        for layer in H5.names file.Root "layers" do
            $"layer {layer}"

        if (rawPaths file).IsSome then
            "raw"
    ]

    let private missing (file: Hdf5File) part =
        raise (CoExprFailure(CoExprError.MissingPart(file.Path, part, otherMatrices file)))

    /// Path of the chosen matrix and of its table of genes.
    let private chosenPaths (file: Hdf5File) choice =
        match choice with
        | MatrixChoice.Main -> "X", "var"
        | MatrixChoice.Layer name -> $"layers/{name}", "var"
        | MatrixChoice.Raw -> rawPaths file |> Option.defaultWith (fun () -> missing file "raw")

    let private describeChoice choice =
        match choice with
        | MatrixChoice.Main -> "X"
        | MatrixChoice.Layer name -> $"layer {name}"
        | MatrixChoice.Raw -> "raw"

    let private isAnnData (file: Hdf5File) =
        H5.has file.Root "obs" && H5.has file.Root "var"

    /// Whether a file that can be opened as HDF5 is an AnnData, whatever its name.
    let isOne path =
        match H5.read path isAnnData with
        | Ok answer -> answer
        | Error _ -> false

    let private requireAnnData (file: Hdf5File) =
        if not (isAnnData file) then
            let reason = "it is an HDF5 file, but no AnnData: it has no obs or no var."
            raise (CoExprFailure(CoExprError.UnknownFormat(file.Path, reason)))

    let private sameShape (file: Hdf5File) name (counts: SparseCounts) cells genes =
        if counts.Cells <> cells || counts.Genes <> genes then
            H5.damaged file.Path $"{name} is {counts.Cells} x {counts.Genes} where {cells} x {genes} were expected."

        counts

    let private layer (options: ReadOptions) path cells genes name = {
        Name = name
        Read =
            fun () ->
                H5.read path (fun file ->
                    let part = $"layers/{name}"

                    match found file part with
                    | Some stored -> sameShape file part (H5Matrix.counts options file part stored) cells genes
                    | None -> missing file $"layer {name}")
    }

    /// The names of the matrices in obsm or varm: members of a group, or fields of records before 0.7.
    let private matrixNames (file: Hdf5File) part =
        match file.Root.KindOf part with
        | Hdf5Member.Group -> H5.names file.Root part
        | Hdf5Member.Dataset -> [ for field in (file.Root.Dataset part).Type.Fields -> field.Name ]
        | _ -> []

    let private findIn (file: Hdf5File) part name =
        match file.Root.KindOf part with
        | Hdf5Member.Group -> H5Matrix.find file $"{part}/{name}"
        | Hdf5Member.Dataset -> Some(H5Matrix.ofField (file.Root.Dataset part) name)
        | _ -> None

    let private isReadable stored =
        match stored with
        | Some(H5Matrix.Stored.Other kind) -> kind = "table"
        | other -> other.IsSome

    let private denseMatrices (options: ReadOptions) (file: Hdf5File) part =
        let path = file.Path

        [
            for name in matrixNames file part do
                if isReadable (findIn file part name) then
                    {
                        Name = name
                        Read =
                            fun () ->
                                H5.read path (fun file ->
                                    match findIn file part name with
                                    | Some stored -> H5Matrix.dense options file $"{part}/{name}" stored
                                    | None -> H5.damaged path $"there is no {part}/{name}.")
                    }
        ]

    let private readCells (options: ReadOptions) (file: Hdf5File) =
        requireAnnData file
        let matrixPath, genesPath = chosenPaths file options.Matrix

        match found file matrixPath with
        | None -> missing file (describeChoice options.Matrix)
        | Some stored ->
            let genes = H5Table.read file genesPath
            let cells = H5Table.read file "obs"
            let counts = H5Matrix.counts options file matrixPath stored
            let whole = Cells.create file.Path counts cells genes |> CoExprError.unwrap

            // The raw matrix has genes of its own, so that no layer is over the same.
            let layers =
                if options.Matrix = MatrixChoice.Raw then
                    []
                else
                    H5.names file.Root "layers"

            {
                whole with
                    Layers = layers |> List.map (layer options file.Path counts.Cells counts.Genes)
                    Embeddings = denseMatrices options file "obsm"
            }

    /// What is needed to read the chosen matrix piece by piece: how it is stored, and its table of genes.
    let internal openMatrix (options: ReadOptions) (file: Hdf5File) =
        requireAnnData file
        let matrixPath, genesPath = chosenPaths file options.Matrix

        match found file matrixPath with
        | None -> missing file (describeChoice options.Matrix)
        | Some stored -> struct (matrixPath, stored, H5Table.read file genesPath)

    /// The table of cells alone.
    let internal cellTable path : Result<Table, CoExprError> =
        H5.read path (fun file -> H5Table.read file "obs")

    /// Reads the chosen matrix and both tables; layers and embeddings when they are first asked for, from the file as
    /// it is then. A matrix that is not there is a MissingPart that lists those that are. NaN and infinity are kept.
    let read (options: ReadOptions) path : Result<Cells, CoExprError> = H5.read path (readCells options)

    /// The matrices per gene (varm), each read when it is asked for.
    let geneMatrices (options: ReadOptions) path : Result<Named<Matrix> list, CoExprError> =
        H5.read path (fun file -> denseMatrices options file "varm")

    let private matrixContents (file: Hdf5File) part = [
        for name in matrixNames file part do
            match findIn file part name with
            | Some stored -> {
                H5Matrix.contents file $"{part}/{name}" stored with
                    Name = name
              }
            | None -> ()
    ]

    let private format (file: Hdf5File) =
        match file.Root.Attributes.Text "encoding-version" with
        | null when H5.isDataset file.Root "obs" -> "AnnData before 0.7"
        | null -> "AnnData 0.7"
        | version -> $"AnnData, encoding {version}"

    let private one (file: Hdf5File) path =
        found file path |> Option.map (H5Matrix.contents file path)

    let private readContents (file: Hdf5File) =
        requireAnnData file
        let cells, cellColumns = H5Table.contents file "obs"
        let genes, geneColumns = H5Table.contents file "var"

        {
            Path = file.Path
            Format = format file
            Matrix = one file "X"
            Cells = cells
            Genes = genes
            CellColumns = cellColumns
            GeneColumns = geneColumns
            Layers = matrixContents file "layers"
            Raw = rawPaths file |> Option.bind (fst >> one file)
            CellMatrices = matrixContents file "obsm"
            GeneMatrices = matrixContents file "varm"
            CellPairs = matrixContents file "obsp"
            GenePairs = matrixContents file "varp"
            Unstructured = H5.names file.Root "uns"
        }

    /// Everything that is in the file, without reading any large array. A file without X has contents too.
    let contents path : Result<FileContents, CoExprError> = H5.read path readContents

    /// Names that a file of this kind cannot hold, in the order of the parts.
    let private badNames (parts: AnnDataParts) =
        let isBad (name: string) =
            String.IsNullOrEmpty name
            || name = "."
            || name.Contains '/'
            || name.Contains '\000'

        let twice names =
            names
            |> List.countBy id
            |> List.filter (fun (_, count) -> count > 1)
            |> List.map fst

        let rec inGroup members =
            let names = List.map fst members

            List.filter isBad names
            @ twice names
            @ (members
               |> List.collect (fun (_, value) ->
                   match value with
                   | Unstructured.Group inner -> inGroup inner
                   | Unstructured.Table table -> inTable table
                   | _ -> []))

        and inTable (table: Table) =
            let names = table.Columns |> Array.map fst |> List.ofArray
            List.filter (fun name -> isBad name || name = "_index") names @ twice names

        let inMatrices members =
            members |> List.map (fun (name, _) -> name, Unstructured.Flag true) |> inGroup

        inTable parts.CellTable
        @ inTable parts.GeneTable
        @ List.collect inMatrices [
            parts.Layers
            parts.CellMatrices
            parts.GeneMatrices
            parts.CellPairs
            parts.GenePairs
        ]
        @ inGroup parts.Unstructured

    /// Writes a file that Python's anndata reads, from 0.8 on. Text with missing values becomes a category, which has
    /// room for them in every version. A name with a slash, a name twice in one place, or a column called _index is a
    /// CannotWrite. Throws ArgumentException where shapes do not agree.
    ///
    /// The file is written in place: give a temporary path and rename it, if it must be whole or not there.
    let write threads path (parts: AnnDataParts) : Result<unit, CoExprError> =
        AnnDataParts.check parts

        match badNames parts with
        | name :: _ -> Error(CoExprError.CannotWrite(path, $"'{name}' cannot be a name there, or stands twice."))
        | [] ->
            let storage = Hdf5Storage(Threads = threads)
            H5.write path (fun file -> H5Writing.parts storage file parts)
