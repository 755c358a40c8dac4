namespace CoExpr.IO

open CoExpr
open CoExpr.Hdf5

/// Reading the HDF5 files of 10x Genomics' Cell Ranger: one group per genome up to version 2, one group `matrix` with a
/// table of features since version 3. Matrices are genes x cells, by column: each cell's entries lie together.
[<RequireQualifiedAccess>]
module TenX =

    /// Where the parts of one matrix are.
    type private Parts = {
        Group: Hdf5Group
        Names: Hdf5Dataset
        /// Further columns of the gene table, with their names here.
        Columns: (string * Hdf5Dataset) list
    }

    /// The fields of a feature that anyone has use for, under the names that scanpy gives them.
    let private featureColumns = [ "id", "gene_ids"; "feature_type", "feature_types"; "genome", "genome" ]

    let private version3 (file: Hdf5File) =
        let group = file.Root.Group "matrix"
        let features = group.Group "features"

        {
            Group = group
            Names = H5.dataset file.Path features "name"
            Columns = [
                for stored, column in featureColumns do
                    if H5.isDataset features stored then
                        column, features.Dataset stored
            ]
        }

    let private genomes (file: Hdf5File) =
        file.Root.Names
        |> Seq.filter (fun name -> H5.isDataset file.Root $"{name}/gene_names")
        |> List.ofSeq

    let private version1 (file: Hdf5File) genome =
        let group = file.Root.Group genome

        {
            Group = group
            Names = group.Dataset "gene_names"
            Columns = [ "gene_ids", H5.dataset file.Path group "genes" ]
        }

    let private unknown (file: Hdf5File) reason =
        raise (CoExprFailure(CoExprError.UnknownFormat(file.Path, reason)))

    let private parts (file: Hdf5File) =
        if H5.isGroup file.Root "matrix/features" then
            version3 file
        else
            match genomes file with
            | [ genome ] -> version1 file genome
            | [] -> unknown file "it is an HDF5 file, but not of 10x: it has no matrix/features and no genome."
            | several ->
                let names = String.concat ", " several
                unknown file $"it has several genomes ({names}), whose genes have to be joined first."

    let private shapeOf (file: Hdf5File) parts =
        match (H5.dataset file.Path parts.Group "shape").Read<int64>() with
        | [| genes; cells |] -> genes, cells
        | other ->
            H5.damaged file.Path $"{parts.Group.Path.TrimStart '/'}/shape has {other.Length} numbers instead of 2."

    let private geneTable parts =
        let columns =
            parts.Columns
            |> List.map (fun (name, dataset) ->
                let texts = dataset.ReadTexts()

                name,
                (if name = "gene_ids" then
                     Column.Text texts
                 else
                     Column.categories texts))

        {
            Names = MatrixNames.unique (parts.Names.ReadTexts())
            Columns = Array.ofList columns
        }

    let private readCells (options: ReadOptions) (file: Hdf5File) =
        if options.Matrix <> MatrixChoice.Main then
            raise (CoExprFailure(CoExprError.MissingPart(file.Path, "layer", [])))

        let parts = parts file
        let genes, cells = shapeOf file parts
        let matrix = H5Matrix.compressed options file parts.Group cells genes
        let barcodes = (H5.dataset file.Path parts.Group "barcodes").ReadTexts()

        SparseCounts.OfCells(int cells, int genes, matrix)
        |> fun counts -> Cells.create file.Path counts (Table.ofNames barcodes) (geneTable parts)
        |> CoExprError.unwrap

    /// Reads the counts, the barcodes as names of the cells, and the genes under their symbols, of which repeated ones get
    /// -1, -2, ... as in a folder of the same data; the column gene_ids has the identifiers.
    let read (options: ReadOptions) path : Result<Cells, CoExprError> = H5.read path (readCells options)

    let private format (file: Hdf5File) =
        if H5.isGroup file.Root "matrix/features" then
            "10x version 3"
        else
            "10x version 1"

    let private readContents (file: Hdf5File) =
        let parts = parts file
        let genes, cells = shapeOf file parts
        let data = H5.dataset file.Path parts.Group "data"

        let column (name, dataset: Hdf5Dataset) = {
            Name = name
            Kind = (if name = "gene_ids" then "text" else "category")
            Levels =
                (if name = "gene_ids" then
                     None
                 else
                     Some(dataset.ReadTexts() |> Array.distinct |> _.LongLength))
        }

        {
            Path = file.Path
            Format = format file
            Matrix =
                Some {
                    Name = parts.Group.Path.TrimStart '/'
                    Kind = "csr"
                    ElementType = data.Type.Name
                    Rows = cells
                    Columns = genes
                    Entries = Some data.Count
                }
            Cells = cells
            Genes = genes
            CellColumns = []
            GeneColumns = List.map column parts.Columns
            Layers = []
            Raw = None
            CellMatrices = []
            GeneMatrices = []
            CellPairs = []
            GenePairs = []
            Unstructured = []
        }

    /// What is in the file, without reading the matrix. Rows are cells, as everywhere here.
    let contents path : Result<FileContents, CoExprError> = H5.read path readContents

    /// Whether a file is one of 10x rather than of AnnData: both are HDF5, and the extension .h5 says no more.
    let isTenX path : Result<bool, CoExprError> =
        H5.read path (fun file -> H5.isGroup file.Root "matrix/features" || not (genomes file).IsEmpty)
